"""Photographs: the one that comes with the course, and the ones people bring."""

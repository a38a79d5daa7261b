"""Photographs: the ones that everyone has, and the ones people bring."""

"""Scenes of coloured shapes, and questions about them that have exactly one answer."""

"""What goes in: pictures."""

from vlmteach.pictures.photograph import normalise, photograph

__all__ = ["normalise", "photograph"]

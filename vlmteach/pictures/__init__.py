"""What goes in: pictures."""

from vlmteach.pictures.fit import fit_picture
from vlmteach.pictures.load import load_picture
from vlmteach.pictures.photograph import normalise, photograph

__all__ = ["fit_picture", "load_picture", "normalise", "photograph"]

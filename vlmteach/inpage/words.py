"""The words and numbers of scenes and questions, as a page must know them."""

from __future__ import annotations

from typing import Any

from vlmteach.pictures.look import CELL, COLOURS, GREY, RGB
from vlmteach.pictures.scenes.questions import LENGTH, TEMPLATES, VOCABULARY
from vlmteach.pictures.scenes.sampling import CELLS, SHAPES, SIZES


def course_words() -> dict[str, Any]:
    """What scene.js needs to draw, to ask and to answer."""
    return {
        "shapes": SHAPES,
        "colours": COLOURS,
        "rgb": RGB.tolist(),
        "grey": GREY,
        "cell": CELL,
        "cells": CELLS,
        "sizes": SIZES,
        "templates": TEMPLATES,
        "vocabulary": VOCABULARY,
        "length": LENGTH,
    }

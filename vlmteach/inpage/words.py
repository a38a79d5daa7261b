"""The words and numbers of scenes and questions, as a page must know them."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlmteach.experiments.matrix import HELD_OUT
from vlmteach.pictures.look import CELL, COLOURS, GREY, RGB
from vlmteach.pictures.scenes.questions import LENGTH, TEMPLATES, VOCABULARY
from vlmteach.pictures.scenes.sampling import CELLS, FAR, NEAR, SHAPES, SIZES, THINGS


def course_words() -> dict[str, Any]:
    """What scene.js needs to draw, to ask and to answer, and trained.js to know what was never asked."""
    return {
        "shapes": SHAPES,
        "colours": COLOURS,
        "rgb": RGB.tolist(),
        "grey": GREY,
        "cell": CELL,
        "cells": CELLS,
        "sizes": SIZES,
        "things": THINGS,
        "near": NEAR,
        "far": FAR,
        "held_out": [f"{COLOURS[colour]} {SHAPES[shape]}" for shape, colour in np.argwhere(HELD_OUT)],
        "templates": TEMPLATES,
        "vocabulary": VOCABULARY,
        "length": LENGTH,
    }

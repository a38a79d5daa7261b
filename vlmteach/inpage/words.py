"""The words and numbers of scenes and questions, as a page must know them."""

from __future__ import annotations

from typing import Any

import numpy as np

from vlmteach.experiments.matrix import HELD_OUT
from vlmteach.language import N_, _
from vlmteach.pictures.look import CELL, COLOURS, GREY, RGB
from vlmteach.pictures.scenes.questions import LENGTH, TEMPLATES, VOCABULARY
from vlmteach.pictures.scenes.sampling import CELLS, FAR, NEAR, SHAPES, SIZES, THINGS

# What the words and questions of the models mean, for a page in another language: in English, themselves.
_MEANINGS = (
    N_("circle"),
    N_("square"),
    N_("triangle"),
    N_("cross"),
    N_("red"),
    N_("green"),
    N_("blue"),
    N_("yellow"),
    N_("magenta"),
    N_("cyan"),
    N_("what shape is {a} ?"),
    N_("what colour is {shape} ?"),
    N_("how many {shape} ?"),
    N_("which row is {a} ?"),
    N_("which column is {a} ?"),
    N_("is {a} left of {b} ?"),
    N_("is {a} above {b} ?"),
    N_("is {a} shaped like {b} ?"),
)


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
        "said": {
            "templates": [_(template) for template in TEMPLATES],
            "words": {word: _(word) for word in (*SHAPES, *COLOURS)},
        },
        "vocabulary": VOCABULARY,
        "length": LENGTH,
    }

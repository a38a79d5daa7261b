import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views.scenes import LONGEST, Asked, draw_scenes_with_questions, draw_sentence


@pytest.mark.mpl_image_compare
def test_scenes_with_questions():
    pictures = [np.full((48, 48, 3), 0.35), np.linspace(0, 1, 48 * 48 * 3).reshape(48, 48, 3)]
    asked = [
        [Asked("what shape is red ?", "square"), Asked("is red left of blue ?", "no", marked=True)],
        [Asked("is magenta shaped like yellow ?", "yes")],
    ]
    figure = draw_scenes_with_questions(pictures, asked, ["near", "far"])
    text = alt_text(figure)
    assert "near: what shape is red ? square, is red left of blue ? no (marked)" in text
    assert "far: is magenta shaped like yellow ? yes" in text
    return figure


@pytest.mark.mpl_image_compare
def test_sentence():
    figure = draw_sentence("the word 'reed' costs $5 or $6 and is unknown. " * 3)
    assert alt_text(figure).startswith("the word 'reed' costs $5 or $6")
    return figure


def test_a_very_long_sentence_is_cut():
    figure = draw_sentence("x" * 100_000)
    assert len(alt_text(figure)) == LONGEST + 2
    assert figure.get_size_inches()[1] < 4

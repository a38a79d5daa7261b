import io
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib import image
from matplotlib.text import Text

from vlmteach.views import CNN_HUE, alt_text
from vlmteach.views.attention import draw_attention_and_occlusion, draw_head_gallery
from vlmteach.views.attention_numbers import draw_numbers
from vlmteach.views.fields import draw_effective_field
from vlmteach.views.numbers import short
from vlmteach.views.patches import draw_position_similarity
from vlmteach.views.rounding import ROUNDING, peak, ranked, tell_size
from vlmteach.views.similar import Likeness, draw_similar
from vlmteach.views.tokens import draw_feature_maps
from vlmteach.views.vlm import draw_answer
from vlmteach.views.weighing import draw_weight_against_change


@pytest.mark.parametrize(
    ("size", "floor", "told"),
    [
        (0.0, ROUNDING, "below 1e-5"),
        (1.8e-7, ROUNDING, "below 1e-5"),
        (9.9e-6, ROUNDING, "below 1e-5"),
        (1e-5, ROUNDING, "1e-5"),
        (3.41e-4, ROUNDING, "0.00034"),
        (0.0896, ROUNDING, "0.09"),
        (0.5, ROUNDING, "0.5"),
        (3.14159, ROUNDING, "3.1"),
        (97.3, ROUNDING, "97"),
        (12345.6, ROUNDING, "12,346"),
        (3e-16, 1e-12, "below 1e-12"),
        (4e-9, 1e-12, "4e-9"),
        (np.float32(2e-7), ROUNDING, "below 1e-5"),
    ],
)
def test_a_size_is_told_in_two_digits_down_to_the_floor(size, floor, told):
    assert tell_size(size, floor) == told


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="take its absolute value"):
        tell_size(-1e-9)


distinct = arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(-50, 50), unique=True)
noise = st.integers(0, 2**32 - 1)


def rounded_otherwise(values, seed):
    return values * (1 + 1e-6 * np.random.default_rng(seed).uniform(-1, 1, values.shape))


@given(distinct)
def test_without_ties_peak_and_rank_are_numpys(values):
    assert peak(values) == np.unravel_index(values.argmax(), values.shape)
    assert ranked(values).tolist() == np.argsort(-values, axis=None).tolist()


@given(arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(-3, 3)), noise)
def test_rounding_moves_neither_peak_nor_rank_whatever_ties_there_are(values, seed):
    other = rounded_otherwise(values, seed)
    assert peak(other) == peak(values)
    assert ranked(other).tolist() == ranked(values).tolist()


def test_what_is_tied_comes_in_reading_order():
    assert peak([[1.0, 2.0], [2.0 + 1e-7, 0.0]]) == (0, 1)
    assert ranked([0.5, 1.0, 0.5 + 1e-8, 1.0 + 1e-8]).tolist() == [1, 3, 0, 2]
    assert ranked(np.full(4, 0.25)).tolist() == [0, 1, 2, 3]


# Arrays as full of ties as a symmetrical network makes them, given to every figure that names a place or an order.
TIED = np.array([[0.0, 1.0, 1.0], [0.5, 0.5, 0.25], [1.0, 0.25, 0.0]]) / 6.7
PICTURE = np.full((9, 9, 3), 0.5)
FIGURES = {
    "feature maps": lambda a: draw_feature_maps(PICTURE, np.stack([a, 0 * a]), [0, 1]),
    "heads": lambda a: draw_head_gallery(PICTURE, [a, 0 * a + a[0, 1]], ["some", "even"], (0, 0)),
    "attention and occlusion": lambda a: draw_attention_and_occlusion(PICTURE, a, 1e-7 * a, (0, 0)),
    "weight against change": lambda a: draw_weight_against_change(PICTURE, a, a.T, "title", CNN_HUE),
    "likeness": lambda a: draw_similar(PICTURE, [Likeness("a", CNN_HUE, np.multiply.outer(6.7 * a, a))], (0.4, 0.4)),
    "likeness to nothing": lambda a: draw_similar(
        PICTURE, [Likeness("a", CNN_HUE, np.multiply.outer(1e-7 * a, a))], (0, 0)
    ),
    "effective field": lambda a: draw_effective_field(PICTURE[:3, :3], 6.7 * a, (0, 0, 3, 3), 1.0),
    "answer": lambda a: draw_answer(PICTURE, ["a", "?"], {"yes": 1.0, "no": 0.0}, a, np.stack([a, a.T]), "yes"),
}


@cache
def unrounded(name):
    """What a figure of TIED says and shows: its description, its texts and its pixels."""
    return told(FIGURES[name](TIED))


def told(figure):
    return alt_text(figure), [text.get_text() for text in figure.findobj(Text)], pixels(figure)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("seed", range(3))
def test_no_figure_says_or_shows_how_numbers_were_rounded(name, seed):
    description, texts, shown = unrounded(name)
    its_description, its_texts, its_shown = told(FIGURES[name](rounded_otherwise(TIED, seed)))
    assert its_description == description
    assert its_texts == texts
    assert np.abs(its_shown - shown).max() <= 2 / 255


@pytest.mark.parametrize(
    "draw",
    [
        lambda a: draw_attention_and_occlusion(PICTURE, TIED, a, (0, 0)),
        lambda a: draw_numbers({"a": a}, "abc", "abc"),
    ],
)
def test_what_is_nothing_but_rounding_is_told_and_drawn_as_nothing(draw):
    assert alt_text(draw(3e-8 * TIED)) == alt_text(draw(0 * TIED))
    assert np.abs(pixels(draw(3e-8 * TIED)) - pixels(draw(0 * TIED))).max() <= 2 / 255


def pixels(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    buffer.seek(0)
    return image.imread(buffer)


@pytest.mark.parametrize("value", [-1e-9, 0.0, 1e-9])
def test_a_zero_has_no_sign(value):
    assert short(value) == "0"
    text = alt_text(draw_position_similarity({"codes": np.full((2, 2), value)}, 0, 0))
    assert "from 0.00 to 0.00, mean 0.00" in text

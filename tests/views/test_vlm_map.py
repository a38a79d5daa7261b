import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch

from vlmteach.views import CNN_HUE, LANGUAGE_HUE, VIT_HUE, VLM_PARTS, alt_text, draw_vlm

SHAPES = {"picture": (3, 48, 48), "tokens": (36, 64), "handed on": (36, 128)}
HUES = {"CNN": CNN_HUE, "ViT": VIT_HUE, "language model": LANGUAGE_HUE}


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def fills(figure):
    return {
        to_hex(patch.get_facecolor()).upper() for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)
    }


@pytest.mark.mpl_image_compare
def test_the_map_with_its_shapes_and_every_part_lit():
    figure = draw_vlm(VLM_PARTS, SHAPES)
    assert "a picture (3 × 48 × 48)" in alt_text(figure)
    assert "tokens (36 × 64). The connector hands them on (36 × 128)" in alt_text(figure)
    assert {"3 × 48 × 48", "36 × 64", "36 × 128"} < set(words(figure))
    assert "this lesson" not in words(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_the_map_with_two_parts_lit_and_symbols_for_shapes():
    figure = draw_vlm(["CNN", "tokens"])
    assert alt_text(figure).endswith("Lit: CNN, tokens.")
    assert {"3 × H × W", "N × D", "N′ × D′"} < set(words(figure))
    return figure


@pytest.mark.parametrize("part", VLM_PARTS)
def test_only_what_is_lit_is_filled_and_underlined(part):
    figure = draw_vlm([part])
    assert fills(figure) & set(HUES.values()) == ({HUES[part]} if part in HUES else set())
    assert words(figure).count("this lesson") == len(figure.axes[0].lines) == 1


def test_a_cnn_and_a_vit_are_one_part_of_the_model():
    assert words(draw_vlm(["CNN", "ViT"])).count("this lesson") == 1


@pytest.mark.parametrize(
    ("lit", "shapes", "sentence"),
    [
        ([], None, "no part is lit; expected at least one of CNN"),
        (["encoder"], None, "the map has no part 'encoder'; expected a list of CNN, ViT"),
        ("CNN", None, "the map has no part 'CNN'; expected a list of CNN"),
        (["CNN"], {"grid": (14, 14)}, "the map has no shape 'grid'; expected a list of picture, tokens, handed on"),
    ],
)
def test_what_the_map_does_not_have_is_refused(lit, shapes, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw_vlm(lit, shapes)

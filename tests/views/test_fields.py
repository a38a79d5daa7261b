import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views import fields as views

COLOURS = np.linspace(0, 1, 4 * 4 * 3).reshape(4, 4, 3)
PICTURE = np.kron(COLOURS, np.ones((16, 16, 1)))
ROWS, COLUMNS = np.mgrid[:64, :64]
HEAT = np.exp(-((ROWS - 40) ** 2 + (COLUMNS - 24) ** 2) / (2 * 6**2))


@pytest.mark.mpl_image_compare
def test_field_box_with_padding():
    figure = views.draw_field_box(PICTURE, field=(-16, 8, 48, 72), cell=(8, 32, 16, 40))
    text = alt_text(figure)
    assert "stands for rows 8 to 16, columns 32 to 40" in text
    assert "66% of the picture" in text  # 48 * 56 of 64 * 64
    assert "34% of its field is padding" in text  # the field itself has 64 * 64 pixels
    return figure


def test_a_field_inside_the_picture_has_no_padding():
    text = alt_text(views.draw_field_box(PICTURE, field=(8, 8, 24, 24), cell=(12, 12, 16, 16)))
    assert "6% of the picture; 0% of its field is padding" in text


@pytest.mark.mpl_image_compare
def test_coverage():
    layer4 = np.ones((3, 3))
    layer4[0] = 0.75
    figure = views.draw_coverage({"layer3": np.full((6, 6), 0.5), "layer4": layer4})
    assert "in layer3 0 of 36 units can see the whole picture" in alt_text(figure)
    assert "in layer4 6 of 9 units can see the whole picture, the others from 75%" in alt_text(figure)
    assert len(figure.axes[1].lines[0].get_xdata()) == 6  # a dot for each: not by colour alone
    return figure


@pytest.mark.mpl_image_compare
def test_effective_field():
    figure = views.draw_effective_field(PICTURE, HEAT, field=(8, -8, 72, 56), sigma=6.0)
    assert "can see 77% of the picture" in alt_text(figure)  # 56 * 56 of 64 * 64
    assert "strongest at row 40, column 24, has a standard deviation of 6 pixels" in alt_text(figure)
    share = (HEAT[8:64, 0:56] > 0.1).mean()
    assert f"on {share:.0%} of what the unit can see" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_heats_side_by_side():
    centred = np.roll(HEAT, (-8, 8), axis=(0, 1))
    holes = centred * ((ROWS + COLUMNS) % 2 == 0)
    figure = views.draw_heats({"plain": centred, "dilated": holes}, margin=10)
    assert "plain: 441 of 441 pixels count at all; dilated: 221 of 441" in alt_text(figure)
    return figure


def test_the_lines_of_an_effective_field_hold_half_and_nine_tenths_of_its_weight():
    figure = views.draw_effective_field(PICTURE, np.ones((64, 64)), field=(0, 0, 64, 64), sigma=18.0)
    assert "50% of its weight lies in 100% of the pixels" in alt_text(figure)  # even: no line can part it
    rows = np.abs(np.arange(64)[:, None] - 31.5) + np.zeros(64)
    ramp = views.draw_effective_field(PICTURE, 1 - rows / 32, field=(0, 0, 64, 64), sigma=13.0)
    # a triangle holds 1 - (1 - x)² of its weight in the share x of its width
    for share in (0.5, 0.9):
        told = int(alt_text(ramp).split(f"{share:.0%} of its weight lies in ")[1].split("%")[0])
        assert abs(told / 100 - (1 - (1 - share) ** 0.5)) < 0.04

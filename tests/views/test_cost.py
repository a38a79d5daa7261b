import numpy as np
import pytest

from vlmteach.views import CNN, VIT, alt_text
from vlmteach.views import cost as views

SIDES = np.array([48, 96, 192, 384])


def price(title, hue, power):
    return views.CostCurve(
        title,
        hue,
        SIDES,
        {
            "tokens": (SIDES / 8.0) ** 2,
            "flops": 1e6 * (SIDES / 48) ** power,
            "milliseconds": 0.3 * (SIDES / 48) ** power,
            "bytes": 2**20 * (SIDES / 48.0) ** 2,
        },
    )


@pytest.mark.mpl_image_compare
def test_cost():
    figure = views.draw_cost([price("CNN grid", CNN, 2), price("ViT patches", VIT, 3)])
    text = alt_text(figure)
    assert "from 48 to 384 pixels" in text
    assert "operations, MFLOPs, CNN grid: 1 to 64" in text
    assert "operations, MFLOPs, ViT patches: 1 to 512" in text
    return figure


@pytest.mark.mpl_image_compare
def test_towers():
    towers = [
        views.Tower("RN-a", "cnn", "old", 12, 60),
        views.Tower("RN-b", "cnn", "old", 150, 70),
        views.Tower("ViT-a", "vit", "old", 9, 63),
        views.Tower("ViT-b", "vit", "old", 160, 75),
        views.Tower("Conv-a", "cnn", "new", 40, 71),
        views.Tower("Conv-b", "cnn", "new", 300, 79),
        views.Tower("ViT-c", "vit", "new", 160, 75),
        views.Tower("ViT-d", "vit", "new", 300, 78),
    ]
    figure = views.draw_towers(towers)
    assert "RN-a (old) 12 GFLOPs, 60.0" in alt_text(figure)
    names = {text.get_text(): text for axis in figure.axes for text in axis.texts}
    assert names["ViT-b"].get_va() == "bottom"  # the better one has its name above
    assert names["ViT-d"].get_va() == "top"
    return figure

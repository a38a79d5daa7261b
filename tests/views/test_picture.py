import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views.picture import draw_picture


@pytest.mark.mpl_image_compare
def test_one_picture():
    figure = draw_picture(np.linspace(0, 1, 30 * 40 * 3).reshape(30, 40, 3), "your picture")
    assert alt_text(figure).startswith("your picture: a picture of 30 by 40 pixels")
    return figure

import numpy as np
import pytest

from vlmteach.course.counter_evidence import load_published
from vlmteach.views import CNN_HUE, VIT_HUE, alt_text
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
    figure = views.draw_cost([price("CNN grid", CNN_HUE, 2), price("ViT patches", VIT_HUE, 3)])
    text = alt_text(figure)
    assert "from 48 to 384 pixels" in text
    assert "operations, MFLOPs, CNN grid: 1 to 64" in text
    assert "operations, MFLOPs, ViT patches: 1 to 512" in text
    return figure


TOWERS = [views.Tower(row.model, row.family, row.data, row.gflops, row.accuracy, row.soup) for row in load_published()]


@pytest.mark.mpl_image_compare
def test_towers():
    figure = views.draw_towers(TOWERS)
    assert "RN50 (OpenAI) 12 GFLOPs, 59.8; RN101 (OpenAI) 20 GFLOPs, 62.3" in alt_text(figure)
    return figure


def test_a_name_of_a_tower_touches_no_other_name_and_no_mark_and_stays_in_its_panel():
    figure = views.draw_towers(TOWERS)
    figure.draw_without_rendering()

    names = [(text, axis) for axis in figure.axes for text in axis.texts]
    assert [text.get_text() for text, _ in names] == [tower.name for tower in TOWERS]
    for text, axis in names:
        box = text.get_window_extent()
        marks = np.concatenate([axis.transData.transform(line.get_xydata()) for line in axis.lines])
        away = np.hypot(*(marks - marks.clip(box.min, box.max)).T)
        own = axis.transData.transform(text.xy)
        assert away.min() > 7, text.get_text()  # half a mark, in pixels
        assert np.hypot(*(own - own.clip(box.min, box.max))) < 30
        assert axis.bbox.containsx(box.x0)
        assert axis.bbox.containsx(box.x1)
        assert box.count_overlaps([other.get_window_extent() for other, _ in names]) == 1  # itself


def test_panels_of_towers_share_their_axes():
    first, *others = views.draw_towers(TOWERS).axes

    assert len(others) == 2
    assert {axis.get_xlim() for axis in others} == {first.get_xlim()}
    assert {axis.get_ylim() for axis in others} == {first.get_ylim()}

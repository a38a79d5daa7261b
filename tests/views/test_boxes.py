from hypothesis import given
from hypothesis import strategies as st

from vlmteach.views import new_figure
from vlmteach.views.boxes import box_area, cell_box, clip_box, draw_frame

EDGE = st.integers(-20, 40)


@given(EDGE, EDGE, st.integers(0, 30), st.integers(0, 30))
def test_a_clipped_box_has_the_area_of_the_pixels_that_lie_in_both(top, left, tall, wide):
    inside = [(y, x) for y in range(top, top + tall) for x in range(left, left + wide) if 0 <= y < 12 and 0 <= x < 15]
    assert box_area(clip_box((top, left, top + tall, left + wide), 12, 15)) == len(inside)


def test_cells_tile_a_picture():
    boxes = [cell_box((row, column), 3, 5) for row in range(2) for column in range(4)]
    assert sum(map(box_area, boxes)) == 6 * 20
    assert cell_box((1, 2), 3, 5) == (3, 10, 6, 15)


def test_a_frame_is_the_outline_of_its_box_over_a_wider_halo():
    _, axes = new_figure(height=2)
    draw_frame(axes, (1, 2, 4, 8), "#123456", 2, halo=5, style="--")
    halo, line = axes.patches
    for frame in (halo, line):
        assert (frame.get_y(), frame.get_x(), frame.get_height(), frame.get_width()) == (1, 2, 3, 6)
        assert not frame.get_fill()
    assert (halo.get_linewidth(), line.get_linewidth(), halo.get_linestyle(), line.get_linestyle()) == (5, 2, "-", "--")
    draw_frame(axes, (1, 2, 4, 8), "#123456")
    assert len(axes.patches) == 3  # without a halo, the line alone

import numpy as np

from vlmteach.pictures.chance import Chance
from vlmteach.pictures.look import GREY, NOISE
from vlmteach.pictures.sprites import box, draw_board, sprite_table

RED, WHITE = (255, 0, 0), (255, 255, 255)
SPRITES = sprite_table([[], [(box(1, 1, 7, 7), RED), (box(3, 3, 5, 5), WHITE)]])


def test_a_board_is_drawn_cell_by_cell_over_noise():
    kinds = np.zeros((2, 3, 4), dtype=np.int64)
    kinds[1, 2, 1] = 1
    pictures = (255 * draw_board(kinds, SPRITES, Chance(0)).numpy()).round().astype(int)
    drawn = pictures[1, :, 16:24, 8:16]
    empty = np.concatenate([pictures[0].ravel(), pictures[1, :, :16].ravel(), drawn[:, 0].ravel()])

    assert pictures.shape == (2, 3, 24, 32)
    assert (drawn[:, 3:5, 3:5] == 255).all()
    assert (drawn[:, 1, 1:7].T == RED).all()
    assert (empty.min(), empty.max()) == (GREY - NOISE // 2, GREY + NOISE // 2 - 1)


def test_a_later_layer_covers_an_earlier_one():
    sprites = sprite_table([[(box(0, 0, 8, 8), RED), (box(0, 0, 4, 8), WHITE)]])

    assert sprites.solid.all()
    assert (sprites.rgb[0, :, :4] == 255).all()
    assert (sprites.rgb[0, :, 4:].transpose(1, 2, 0) == RED).all()

"""Boxes of visual tokens, against the systems themselves: change one pixel and see which tokens change.

Attention is switched off in the encoders first, so that nothing mixes but what the boxes speak of.
"""

from functools import cache, partial
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from torch import nn

pytest.importorskip("transformers")

from support.real_vlms import opened

from vlmteach.backbones.real_vlms import REAL_VLMS, open_vlm

ENCODERS_OF_PATCHES = [
    "llava_1_5_7b",
    "pixtral_12b",
    "paligemma_3b_896",
    "smolvlm2_500m",
    "internvl3_1b",
    "qwen2_5_vl_3b",
    "llama_3_2_11b_vision",
    "gemma_3_4b",
    "fuyu_8b",
]
SIZES = [(336, 504), (500, 333)]


@cache
def without_attention(name):
    vlm = open_vlm(name, "tiny")

    for module in (vlm.encoder or nn.Identity()).modules():
        if type(module).__name__.endswith("Attention"):
            module.forward = partial(nothing, module.forward)
    return vlm


def nothing(attend, *args, **kwargs):
    """What attention returns, all zeros; the sums over all pairs, which would take most of the time, are left out."""
    with patch.object(F, "scaled_dot_product_attention", lambda queries, *_, **__: torch.zeros_like(queries)):
        output = attend(*args, **kwargs)
    return torch.zeros_like(output) if isinstance(output, torch.Tensor) else (torch.zeros_like(output[0]), *output[1:])


def changed(vlm, picture, before, row, column):
    """Which tokens of a picture, as they were before, change with one pixel of it."""
    other = picture.clone()
    other[:, row, column] += 0.5
    moved = (vlm.see(other).tokens - before)[0].abs().amax(dim=-1)
    return moved > 1e-3 * moved.max()


def reached(boxes, height, width, row, column, margin):
    """Whose boxes come within `margin` pixels of the middle of a pixel."""
    top, left, bottom, right = (boxes * torch.tensor([height, width, height, width])).T
    inside = (top < row + 0.5 + margin) & (bottom > row + 0.5 - margin)
    return inside & (left < column + 0.5 + margin) & (right > column + 0.5 - margin)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("name", ENCODERS_OF_PATCHES)
def test_a_pixel_changes_the_tokens_whose_boxes_hold_it_and_no_others(name, height, width):
    vlm = without_attention(name)
    boxes = vlm.boxes(height, width)
    real = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    some = real.nonzero().flatten()
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) / 2
    before = vlm.see(picture).tokens
    for token in some[[len(some) // 3, 2 * len(some) // 3]]:
        box = boxes[token] * torch.tensor([height, width, height, width])
        row, column = int((box[0] + box[2]) / 2), int((box[1] + box[3]) / 2)
        support = max(3.0, 2.5 * height / 336)  # of a filter that resizes, in pixels of the picture
        moved = changed(vlm, picture, before, row, column)
        certain = reached(boxes, height, width, row, column, 0) & ~whole_tiles(name, boxes)
        possible = reached(boxes, height, width, row, column, support)
        assert bool(moved[certain].all())
        assert not bool(moved[~possible].any())
        assert int(moved.sum()) <= 6  # one a tile, a few where the whole picture is seen small


def whole_tiles(name, boxes):
    """Llama's CLS tokens: without attention they see nothing."""
    cls = torch.zeros(len(boxes), dtype=torch.bool)
    if name == "llama_3_2_11b_vision":
        cls[:: 32 * 32 + 1] = True
    return cls


@pytest.mark.parametrize("name", [name for name in REAL_VLMS if name != "blip2_opt_2_7b"])
def test_boxes_of_one_tile_cover_what_it_shows_without_overlap(name):
    vlm = opened(name, "tiny")
    boxes = vlm.boxes(448, 448)
    area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum().item()
    views = {"smolvlm2_500m": 2, "llama_3_2_11b_vision": 2}.get(name, 1)  # tiles and the whole; patches and CLS
    assert area == pytest.approx(views, abs=1e-4)
    assert boxes.min() >= 0
    assert boxes.max() <= 1


@pytest.mark.parametrize("name", ["llava_1_5_7b", "fastvlm_7b", "chameleon_7b"])
def test_what_is_cropped_away_is_in_no_box(name):
    top, left, bottom, right = opened(name, "tiny").boxes(336, 672).T
    assert (top.min(), bottom.max()) == (0, 1)
    assert left.min() == pytest.approx(0.25, abs=2e-3)
    assert right.max() == pytest.approx(0.75, abs=2e-3)


def test_a_learned_query_has_the_whole_picture():
    assert (opened("blip2_opt_2_7b", "tiny").boxes(336, 504) == torch.tensor([0, 0, 1, 1])).all()


def test_a_token_of_padding_only_has_an_empty_box():
    boxes = opened("llama_3_2_11b_vision", "tiny").boxes(448, 500)  # two tiles, the second mostly padding
    empty = (boxes[:, 2] == boxes[:, 0]) | (boxes[:, 3] == boxes[:, 1])
    assert 800 < int(empty.sum()) < 1024


def test_thumbnails_see_the_whole_picture_once_more():
    for name, tiles in {"internvl3_1b": 2, "smolvlm2_500m": 12}.items():
        vlm = opened(name, "tiny")
        size = (448, 896) if name == "internvl3_1b" else (336, 504)
        boxes = vlm.boxes(*size).unflatten(0, (tiles + 1, -1))
        for part in (boxes[-1], boxes[:-1].flatten(0, 1)):
            assert part.amin(dim=0)[:2].tolist() == pytest.approx([0, 0], abs=1e-6)
            assert part.amax(dim=0)[2:].tolist() == pytest.approx([1, 1], abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(252, 420), (112, 112), (500, 333)])
def test_windows_hold_the_tokens_that_a_first_layer_lets_meet(height, width):
    vlm = open_vlm("qwen2_5_vl_3b", "tiny")
    windows = vlm.windows(height, width)
    assert len(windows) == vlm.tokens(height, width)
    vlm.model.model.visual.blocks[1].register_forward_hook(lambda _, arguments, __: arguments[0])  # it sees the whole
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) / 2
    before = vlm.see(picture).tokens
    box = vlm.boxes(height, width)[5] * torch.tensor([height, width, height, width])
    top, left, bottom, right = (round(edge) for edge in box.tolist())
    picture[:, top + 4 : bottom - 4, left + 4 : right - 4] += 0.5
    moved = (vlm.see(picture).tokens - before)[0].abs().amax(dim=-1) > 1e-5
    assert torch.equal(moved, windows == windows[5])


def test_an_encoder_without_windows_says_so():
    assert opened("pixtral_12b", "tiny").windows(64, 64) is None
    assert opened("pixtral_12b", "tiny").full_layers is None
    assert opened("qwen2_5_vl_3b").full_layers == (7, 15, 23, 31)

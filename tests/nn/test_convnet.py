import pytest
import torch
from support.random_weights import randomise
from torch import nn

from vlmteach.nn.convnet import ConvNet, patch_stem, strided_stem


def small_net(dilations=(1, 1), dim=8, **options):
    return randomise(ConvNet(dim, dilations, **options))


def picture(batch=1, height=64, width=64):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


def cells_that_hear(net, row, column, size=(120, 120)):
    """Rows and columns of the cells that change to NaN when one pixel does: whom this pixel reaches, exactly."""
    image = torch.rand(1, 3, *size)
    image[:, :, row, column] = float("nan")
    with torch.no_grad():
        heard = net.features(image)[0].isnan().any(0).nonzero()
    return heard.amin(0).tolist(), heard.amax(0).tolist()


def test_a_token_is_its_grid_cell_and_its_box_the_square_of_that_cell():
    net = small_net()
    image = picture(2, 32, 48)
    grid, visual = net.grid(image), net(image)
    assert grid.shape == (2, 8, 4, 6)
    assert visual.num_prefix_tokens == 0
    for row, column in [(0, 0), (1, 4), (3, 5)]:
        assert torch.equal(visual.tokens[:, row * 6 + column], grid[:, :, row, column])
        box = visual.boxes[0, row * 6 + column] * torch.tensor([32, 48, 32, 48])
        torch.testing.assert_close(box, torch.tensor([row * 8.0, column * 8, row * 8 + 8, column * 8 + 8]))


@pytest.mark.parametrize(
    ("dilations", "cells"), [((), 0), ((1,), 1), ((1, 1), 2), ((1, 1, 1, 1), 4), ((2,), 2), ((1, 2, 3), 6)], ids=str
)
def test_with_a_patch_stem_the_field_is_exactly_plus_minus_n_cells(dilations, cells):
    net = small_net(dilations, stem="patch")
    for row, column in [(56, 56), (63, 56), (60, 63)]:  # any pixel of cell (7, 7)
        assert cells_that_hear(net, row, column) == ([7 - cells] * 2, [7 + cells] * 2)


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_a_strided_cell_sees_seven_pixels_above_and_left_of_its_square_and_none_below(blocks):
    net = small_net((1,) * blocks)
    # Cell 7 is rows 56 to 63; it and its neighbours within `blocks` cells see rows from 49 on and up to 63.
    assert cells_that_hear(net, 49, 49) == ([6 - blocks] * 2, [7 + blocks] * 2)
    assert cells_that_hear(net, 48, 48) == ([6 - blocks] * 2, [6 + blocks] * 2)
    assert cells_that_hear(net, 63, 63) == ([7 - blocks] * 2, [8 + blocks] * 2)


@pytest.mark.parametrize("stem", ["strided", "patch"])
def test_what_lies_outside_the_field_changes_nothing_at_all(stem):
    net = small_net((1,), stem=stem)
    image, changed = picture(), picture()
    changed[:, :, :, 40:] = 1 - changed[:, :, :, 40:]
    before, after = net.grid(image), net.grid(changed)
    assert torch.equal(before[..., :4], after[..., :4])
    assert not torch.equal(before[..., 4:5], after[..., 4:5])


def test_the_only_norm_is_batch_norm_and_nothing_pools():
    kinds = {type(module) for module in ConvNet(8).features.modules() if not list(module.children())}
    assert kinds == {nn.Conv2d, nn.BatchNorm2d, nn.ReLU}


@pytest.mark.parametrize("stem", ["strided", "patch"])
@pytest.mark.parametrize(("padding_mode", "same"), [("circular", True), ("zeros", False)])
def test_circular_padding_cannot_tell_where_the_border_is(stem, padding_mode, same):
    net = small_net((1, 1), stem=stem, padding_mode=padding_mode)
    grid, moved = net.grid(picture()), net.grid(picture().roll((16, 24), dims=(2, 3)))
    assert torch.allclose(grid.roll((2, 3), dims=(2, 3)), moved, rtol=0, atol=1e-5) == same


def test_a_block_adds_to_what_it_gets():
    net = ConvNet(8, (1,)).eval()
    nn.init.constant_(net.features[1].norm.weight, 0.0)
    torch.testing.assert_close(net.grid(picture()), net.features[0](picture()))


@pytest.mark.parametrize("stem", ["strided", "patch"])
@pytest.mark.parametrize("stride", [2, 4, 16])
def test_the_stride_is_the_side_of_a_cell(stem, stride):
    net = small_net((), dim=16, stem=stem, stride=stride)
    assert net.grid(picture()).shape == (1, 16, 64 // stride, 64 // stride)


def test_the_widths_of_a_strided_stem_double():
    convolutions = [layer for layer in strided_stem(64, 8) if isinstance(layer, nn.Conv2d)]
    assert [layer.weight.shape[:2] for layer in convolutions] == [(16, 3), (32, 16), (64, 32)]
    assert [(layer.kernel_size, layer.stride, layer.padding) for layer in convolutions] == [
        ((3, 3), (2, 2), (1, 1))
    ] * 3
    assert patch_stem(64, 8)[0].weight.shape == (64, 3, 8, 8)


def test_every_parameter_learns():
    net = ConvNet(8, (1, 2))
    net(picture(2)).tokens.square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in net.parameters())


def test_torch_fx_can_read_the_layers():
    names = [node.op for node in torch.fx.symbolic_trace(ConvNet(8).features).graph.nodes]
    assert names.count("call_module") == 3 * 3 + 3 * 3
    assert names.count("call_function") == 3  # one addition for each block


BAD = {
    "unknown stem": (lambda: ConvNet(8, stem="pool"), "'pool'"),
    "stride no power of two": (lambda: ConvNet(8, stride=6), "stride is 6"),
    "stride 1": (lambda: ConvNet(8, stride=1), "stride is 1"),
    "stride 0": (lambda: ConvNet(8, stride=0, stem="patch"), "stride is 0"),
    "width that cannot be halved": (lambda: ConvNet(6, stride=8), "6 cannot be halved 2 times"),
    "dilation 0": (lambda: ConvNet(8, dilations=(1, 0)), r"\(1, 0\)"),
    "picture no whole number of cells": (lambda: ConvNet(8)(picture(1, 60, 64)), "60 x 64.*multiples of 8"),
    "picture smaller than a cell": (lambda: ConvNet(8)(picture(1, 4, 4)), "4 x 4.*multiples of 8.*8 x 8"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_a_sentence(name):
    call, words = BAD[name]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "expected" in str(caught.value)

import dataclasses
import itertools
import re

import numpy as np
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.patchview import synthetic_patchview, synthetic_words
from torch import nn

from vlmteach.backbones import GridEncoder
from vlmteach.nn import ConvNet, VisionTransformer
from vlmteach.probes import (
    attention_maps,
    attention_rollout,
    effective_receptive_field,
    erf_share,
    mean_attention_distance,
    measure_patchview,
    noise_images,
    receptive_field,
    weighted_distance,
    words_over_cells,
)
from vlmteach.probes.patchview import LARGE, Effort, Heat, Measurement, PanelLayer, PatchViewData, reduce_picture
from vlmteach.probes.patchview.convolutional import effective_fields
from vlmteach.probes.patchview.layers import find_grid_layers, match_by_depth, thin
from vlmteach.probes.patchview.maps import Units, shares_of_squares
from vlmteach.views.patchview import PatchView

MEBIBYTE = 2**20
LITTLE = Effort(layers=2, anchors=(4, 4), squares=(4, 4), noise=2, batch_size=8)


@pytest.fixture(scope="module")
def picture():
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def cnn():
    torch.manual_seed(2)
    return ConvNet(dim=16, dilations=(1, 1)).eval()


@pytest.fixture(scope="module")
def vit():
    torch.manual_seed(3)
    return VisionTransformer(32, 8, 16, depth=2, num_heads=2, registers=1).eval()


@pytest.fixture(scope="module")
def view(cnn, vit, picture):
    return measure_patchview(cnn, vit, picture, effort=LITTLE, fields_of=("cnn", "vit"))


def first_input(model, seen):
    return model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))


def test_each_encoder_is_shown_the_picture_as_it_expects_it(cnn, vit, picture):
    seen = {"cnn": [], "vit": []}
    hooks = first_input(cnn, seen["cnn"]), first_input(vit, seen["vit"])
    measure_patchview(
        cnn, vit, picture, effort=LITTLE, cnn_normalise=lambda image: image * 2, vit_normalise=lambda image: image - 1
    )
    for hook in hooks:
        hook.remove()

    assert torch.equal(seen["cnn"][0], picture[None] * 2)
    assert torch.equal(seen["vit"][0], picture[None] - 1)
    fill = (picture * 2).mean(dim=(1, 2))[:, None, None]  # of a hidden square: the mean of what the CNN is shown
    assert any(image.shape[0] > 1 and (image == fill).all(dim=1).any() for image in seen["cnn"])


# what is measured equals what the probes say


def test_both_encoders_fill_four_panels(view):
    shown = [(panel.kind, panel.shows) for panel in view.panels]
    assert shown == [("cnn", "box"), ("cnn", "field"), ("vit", "attention"), ("vit", "field")]
    assert view.panels[2].maps == ("mean of heads", "head 0", "head 1", "rollout", "change when hidden")
    assert view.cells == view.squares == (4, 4)


def test_boxes_are_those_of_the_receptive_field(view, cnn):
    fields = receptive_field(cnn, (32, 32))
    for layer in view.panels[0].layers:
        field = fields[layer.name]
        for row, column in np.ndindex(4, 4):
            assert tuple(layer.boxes[row, column]) == field.box(row, column, (32, 32))
        assert layer.whole_field == field.size
        top, left, bottom, right = layer.boxes[0, 3].tolist()
        assert layer.numbers["share"][0, 0, 3] == pytest.approx(100 * (bottom - top) * (right - left) / 32**2)


@pytest.mark.parametrize(("panel", "name"), [(1, "features.2"), (3, "blocks.1")])
def test_effective_fields_and_their_numbers_are_those_of_the_probes(view, cnn, vit, panel, name):
    layer = view.panels[panel].layers[-1]
    assert layer.name == name
    for row, column in [(0, 0), (1, 2), (3, 3)]:
        model = cnn if panel == 1 else vit
        heat = effective_receptive_field(model, name, (row, column), noise_images(2, 32, 32))
        np.testing.assert_allclose(layer.maps[0].levels[row, column] / 255, heat, atol=1 / 255)
        numbers = {key: values[0, row, column] for key, values in layer.numbers.items()}
        middle = (8 * row + 3.5, 8 * column + 3.5)
        assert numbers["distance"] == pytest.approx(float(weighted_distance(heat, middle)), rel=1e-4)
        assert numbers["share"] == pytest.approx(100 * erf_share(heat), rel=1e-4)
        by_cell = heat.reshape(4, 8, 4, 8).sum(dim=(1, 3)) / heat.sum()
        assert numbers["peak"] == pytest.approx(float(by_cell.max()), rel=1e-4)


def test_attention_and_its_distances_are_those_of_the_probes(view, vit, picture):
    maps = attention_maps(vit, picture[None])
    distances = mean_attention_distance(maps, patch_size=8)
    for index, layer in enumerate(view.panels[2].layers):
        assert layer.name == maps.names[index]
        weights = maps.weights[index][0, :, 2:, 2:]
        weights = weights / weights.sum(dim=-1, keepdim=True)
        shown, checked = [weights.mean(dim=0), weights[0], weights[1]], []
        for heat, one in zip(layer.maps, shown, strict=False):
            given_back = heat.levels.reshape(16, 16) * heat.peak.reshape(16, 1) / 255
            np.testing.assert_allclose(given_back, one, atol=float(one.max()) / 500)
            share = 100 * erf_share(one[5].reshape(4, 4))  # a patch counts with all its pixels
            assert layer.numbers["share"][len(checked), 1, 1] == pytest.approx(share, rel=1e-4)
            checked.append(share)
        for head in range(2):
            mean = layer.numbers["distance"][1 + head].mean()
            assert mean == pytest.approx(float(distances[index, head]), rel=1e-4)


def test_the_rollout_of_a_layer_ends_at_that_layer(view, vit, picture):
    rollout = attention_rollout(attention_maps(vit, picture[None]))[0, 2:, 2:]
    rollout = rollout / rollout.sum(dim=-1, keepdim=True)
    last = view.panels[2].layers[1].maps[3]
    np.testing.assert_allclose(last.levels.reshape(16, 16) * last.peak.reshape(16, 1) / 255, rollout, atol=1e-3)
    first = view.panels[2].layers[0].maps[3]
    assert not np.array_equal(first.levels, last.levels)


@pytest.mark.parametrize("panel", [1, 2, 3])
def test_the_change_is_what_hiding_the_square_does_also_in_a_picture_that_is_no_square(cnn, panel):
    torch.manual_seed(4)
    wide = torch.rand(3, 32, 48)
    vit = VisionTransformer((32, 48), 8, 16, depth=2, num_heads=2, registers=1).eval()
    effort = dataclasses.replace(LITTLE, squares=(4, 6), anchors=(4, 6))
    data = measure_patchview(cnn, vit, wide, effort=effort, fields_of=("cnn", "vit"))
    assert data.cells == data.squares == (4, 6)
    held = {}
    model, module = (cnn, cnn.features[2]) if panel == 1 else (vit, vit.blocks[1])
    hook = module.register_forward_hook(lambda module, inputs, output: held.update(output=output))
    covered = wide.clone()
    covered[:, 8:16, 32:40] = wide.mean(dim=(1, 2), keepdim=True)

    def units(picture):
        with torch.no_grad():
            model(picture[None])
        output = held["output"]
        return output[0].flatten(1).T if panel == 1 else output[0, 2:]  # CLS and one register stand in front

    moved = (units(covered) - units(wide)).norm(dim=1) / units(wide).norm(dim=1).mean() * 100
    hook.remove()
    change = data.panels[panel].layers[-1].change
    for row, column in np.ndindex(4, 6):
        told = change.value(row, column, 1, 4)
        assert told == pytest.approx(float(moved[6 * row + column]), abs=float(change.peak[row, column]) / 250)


def test_hiding_a_square_outside_the_box_changes_exactly_nothing(view):
    layer = view.panels[1].layers[0]
    outside = 0
    for row, column, down, across in np.ndindex(4, 4, 4, 4):
        top, left, bottom, right = layer.boxes[row, column]
        if 8 * down >= bottom or 8 * down + 8 <= top or 8 * across >= right or 8 * across + 8 <= left:
            outside += 1
            assert layer.change.levels[row, column, down, across] == 0
    assert outside > 50
    assert (view.panels[2].layers[0].change.levels > 0).all()  # one layer of attention hears of every square


def test_the_share_of_the_squares_sums_to_one(view):
    for panel in view.panels[1:]:
        for layer in panel.layers:
            for heat in layer.weights[:-1]:
                sums = (heat.levels * heat.peak[:, :, None, None] / 255).sum(axis=(2, 3))
                np.testing.assert_allclose(sums, 1, atol=0.05)


def test_layers_of_equal_relative_depth_are_shown_together(view):
    assert view.stops == 2
    assert all(panel.at == (0, 1) for panel in view.panels)


@pytest.mark.parametrize(("which", "shown"), [("cnn", ["box", "field"]), ("vit", ["attention"])])
def test_one_encoder_alone_is_enough(cnn, vit, picture, which, shown):
    nothing_hidden = dataclasses.replace(LITTLE, squares=(0, 0))
    pair = (cnn, None) if which == "cnn" else (None, vit)
    data = measure_patchview(*pair, picture, effort=nothing_hidden)
    assert [panel.shows for panel in data.panels] == shown
    assert all(layer.change is None and layer.weights == () for panel in data.panels for layer in panel.layers)
    assert data.squares == (0, 0)


def test_the_progress_bar_counts_every_step(cnn, vit, picture, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, **_):
            self.total, self.n = total, 0
            bars.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def update(self):
            self.n += 1

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    measure_patchview(cnn, vit, picture, effort=LITTLE)
    (bar,) = bars
    assert bar.n == bar.total == 2 * 16 + 2 * 4


def test_a_large_picture_is_reduced_and_the_view_says_so(cnn):
    data = measure_patchview(cnn, None, torch.rand(3, 4000, 1000), effort=LITTLE, fields_of=())
    assert data.picture.shape == (224, 64, 3)
    assert data.how == Measurement(original=(4000, 1000))


def test_anchors_are_stated_and_fewer_than_the_cells(cnn, picture):
    few = dataclasses.replace(LITTLE, anchors=(2, 2))
    data = measure_patchview(cnn, None, picture, effort=few)
    layer = data.panels[1].layers[0]
    assert (layer.units, layer.rows, layer.columns) == ((4, 4), (1, 3), (1, 3))
    assert layer.measured(data.cells) == ([0, 0, 1, 1], [0, 0, 1, 1])
    assert data.how.anchors == (2, 2)


def test_a_global_operation_in_a_cnn_is_named(picture):
    class SqueezeExcite(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, stride=8, padding=1)
            self.pool = nn.AdaptiveAvgPool2d(1)

        def forward(self, x):
            x = self.conv(x)
            return x * self.pool(x)

    data = measure_patchview(
        nn.Sequential(SqueezeExcite(), nn.LeakyReLU()).eval(), None, picture, cnn_layers=["1"], effort=LITTLE
    )
    layer = data.panels[0].layers[0]
    assert layer.whole_field == "global"
    assert (layer.boxes == (0, 0, 32, 32)).all()
    assert data.how.not_local[0] == "1"
    assert "global pooling" in data.how.not_local[1]


def test_words_show_their_attention_and_the_measured_change(picture):
    weights = torch.rand(2, 3, 4, 16)
    weights[:, :, 0] = 0  # the first word may not look at the picture
    change = torch.rand(4, 4, 4)
    data = words_over_cells(picture, ["a", "b", "c", "d"], weights, (4, 4), change=change, layers=["low", "high"])
    (panel,) = data.panels
    layer = panel.layers[1]
    assert panel.maps == ("mean of heads", "head 0", "head 1", "head 2", "change when hidden")
    expected = weights[1, 2, 3] / weights[1, 2, 3].sum()
    assert layer.numbers["peak"][3, 0, 3] == pytest.approx(float(expected.max()), rel=1e-5)
    assert layer.maps[0].peak[0, 0] == 0
    assert layer.change.value(0, 2, 1, 3) == pytest.approx(float(change[2, 1, 3]), abs=1 / 400)


# pages stay small


def test_the_courses_encoders_make_a_page_below_one_mebibyte():
    torch.manual_seed(0)
    encoders = ConvNet(dim=16, dilations=(1,) * 6).eval(), VisionTransformer(64, 8, 32, depth=6, num_heads=4).eval()
    data = measure_patchview(*encoders, torch.rand(3, 64, 64))
    assert len(data.panels[1].layers) == len(data.panels[2].layers) == 6
    assert [len(layer.rows) * len(layer.columns) for layer in data.panels[1].layers] == [64] * 6  # every unit
    assert len(PatchView(data)._repr_mimebundle_()["text/html"]) < MEBIBYTE


def test_a_vit_s_makes_a_page_below_three_mebibyte():
    torch.manual_seed(0)
    vit = timm.create_model("vit_small_patch16_224", depth=4).eval()  # four layers are shown of a deeper one too
    cnn = ConvNet(dim=8, dilations=(1, 1, 1)).eval()
    quick = dataclasses.replace(LARGE, batch_size=8)
    data = measure_patchview(cnn, vit, torch.rand(3, 224, 224), effort=quick)
    assert [len(panel.layers) for panel in data.panels] == [4, 4, 4]
    assert len(PatchView(data)._repr_mimebundle_()["text/html"]) < 3 * MEBIBYTE


# layers and units


@pytest.mark.parametrize(
    ("counts", "stops"),
    [
        ([1], [(0,)]),
        ([3, 3], [(0, 0), (1, 1), (2, 2)]),
        ([2, 4], [(0, 0), (0, 1), (0, 2), (1, 3)]),
        ([6, 4], [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3)]),
        ([1, 2], [(0, 0), (0, 1)]),
    ],
)
def test_layers_of_equal_relative_depth_meet(counts, stops):
    assert match_by_depth(counts) == stops


@pytest.mark.parametrize(("count", "most", "kept"), [(4, 6, [0, 1, 2, 3]), (12, 4, [2, 5, 8, 11]), (5, 2, [1, 4])])
def test_thinning_keeps_the_last_layer(count, most, kept):
    assert thin(range(count), most) == kept


def test_stages_are_found_inside_wrappers():
    one, other = (nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU()) for _ in range(2))
    assert find_grid_layers(nn.Sequential(nn.Sequential(one, other), nn.Flatten()), torch.rand(1, 3, 8, 8)) == [
        "0.0",
        "0.1",
    ]
    assert find_grid_layers(ConvNet(8, (1,)).eval(), torch.rand(1, 3, 16, 16)) == ["features.0", "features.1"]
    plain = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU())
    assert find_grid_layers(plain, torch.rand(1, 3, 8, 8)) == ["0", "1"]


def test_a_network_without_grids_is_refused():
    with pytest.raises(ValueError, match=r"no module of Sequential returned a grid"):
        find_grid_layers(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), torch.rand(1, 3, 2, 2))


def test_the_boxes_of_an_encoder_that_stops_at_a_node_are_those_of_its_network(picture):
    parts = [nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 4, 3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    network = nn.Sequential(*parts).eval()
    encoder = GridEncoder(network, node="2").eval()
    little = Effort(layers=2, anchors=(2, 2), squares=(0, 0), noise=1, batch_size=1)
    panel = measure_patchview(encoder, None, picture, cnn_layers=["model.0", "model.2"], effort=little).panels[0]
    fields = receptive_field(network, (32, 32))
    assert [layer.name for layer in panel.layers] == ["model.0", "model.2"]
    for layer in panel.layers:
        field = fields[layer.name.removeprefix("model.")]
        for (i, row), (j, column) in itertools.product(enumerate(layer.rows), enumerate(layer.columns)):
            assert tuple(layer.boxes[i, j]) == field.box(row, column, (32, 32))


@pytest.mark.parametrize(
    ("cells", "grid", "rows"),
    [(8, 8, range(8)), (8, 16, range(1, 16, 2)), (14, 7, range(7)), (3, 4, (0, 2, 3)), (1, 5, (2,))],
)
def test_a_cell_is_answered_by_the_unit_around_its_middle(cells, grid, rows):
    units = Units.nearest_to((cells, 1), (grid, 1))
    assert units.rows == tuple(rows)
    places = units.places((32, 32))[:, 0, 0]
    np.testing.assert_allclose(places, [(row + 0.5) * 32 / grid - 0.5 for row in rows], rtol=1e-6)


def test_squares_must_cut_a_map_evenly():
    with pytest.raises(ValueError, match="3 x 3 squares do not cut a map of 4 x 4"):
        shares_of_squares(torch.ones(1, 1, 4, 4), (3, 3))


# heat as bytes


@settings(deadline=None, max_examples=60)
@given(arrays(np.float32, (2, 1, 3, 4), elements=st.floats(0, 1e6, width=32)))
def test_bytes_give_the_values_back_and_tell_nothing_from_little(values):
    heat = Heat.of(values)
    np.testing.assert_array_equal(heat.levels == 0, values == 0)
    for place in np.ndindex(values.shape):
        peak = float(heat.peak[place[:2]])
        error = abs(heat.value(*place) - float(values[place]))
        assert error <= peak / 510 * 1.001 or (heat.levels[place] == 1 and error <= peak / 255)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((1, 1, 2, 2), np.nan), "NaN"),
        (np.full((1, 1, 2, 2), np.inf), "infinite"),
        (np.full((1, 1, 2, 2), -1.0), "negative"),
        (np.ones((2, 2)), "expected \\(rows, columns, h, w\\)"),
        (np.ones((0, 1, 2, 2)), "expected \\(rows, columns, h, w\\)"),
    ],
)
def test_heat_refuses_what_is_no_map(values, message):
    with pytest.raises(ValueError, match=message):
        Heat.of(values)


# bad input speaks at the door


def broken_layer(**changes):
    return lambda: dataclasses.replace(synthetic_patchview().panels[2].layers[0], **changes)


def broken_panel(**changes):
    return lambda: dataclasses.replace(synthetic_patchview().panels[2], **changes)


def broken_view(**changes):
    return lambda: dataclasses.replace(synthetic_patchview(), **changes)


def other_heat(*shape):
    return Heat(np.ones(shape, np.uint8), np.ones(shape[:2], np.float32))


LAYER_PANEL = synthetic_patchview().panels[0]
LAYER = synthetic_patchview().panels[2].layers[0]
WORDS = synthetic_words().panels[0]
NAN = {"share": np.full((4, 8, 8), np.nan, np.float32)}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Heat(np.ones((1, 1, 2, 2)), np.ones((1, 1), np.float32)), TypeError, "float64 numbers.*uint8"),
        (lambda: Heat([[1]], np.ones((1, 1), np.float32)), TypeError, "list; expected a numpy array"),
        (lambda: Heat(np.ones((1, 2, 2, 2), np.uint8), np.ones((1, 1), np.float32)), ValueError, "expected the same"),
        (lambda: Heat(np.ones((1, 1, 2, 2), np.uint8), -np.ones((1, 1), np.float32)), ValueError, "peak is negative"),
        (broken_layer(rows=()), ValueError, "at least one"),
        (broken_layer(rows=(3, 1)), ValueError, "rising order"),
        (broken_layer(columns=(0, 8)), ValueError, "from 0 to 7"),
        (broken_layer(maps=(other_heat(7, 8, 8, 8),)), ValueError, r"maps for \(7, 8\); expected \(8, 8\)"),
        (broken_layer(maps=()), ValueError, "neither boxes nor maps"),
        (broken_layer(weights=LAYER.weights[:1]), ValueError, "4 maps but weights for 1"),
        (broken_layer(boxes=np.zeros((8, 8, 4))), TypeError, "int16"),
        (broken_layer(boxes=np.zeros((8, 8, 3), np.int16)), ValueError, r"expected \(8, 8, 4\)"),
        (broken_layer(numbers=NAN), ValueError, "share holds NaN"),
        (broken_layer(numbers={"share": np.ones((1, 8, 8), np.float32)}), ValueError, r"expected \(4, 8, 8\)"),
        (broken_layer(numbers={"share": np.ones((4, 8, 8))}), TypeError, "float32"),
        (broken_layer(numbers={"charm": np.ones((4, 8, 8), np.float32)}), ValueError, "numbers 'charm'"),
        (broken_layer(change=other_heat(8, 7, 8, 8)), ValueError, r"change for \(8, 7\)"),
        (broken_panel(layers=()), ValueError, "no layers.*Leave the panel out"),
        (broken_panel(kind="red"), ValueError, "kind of a panel is 'red'"),
        (broken_panel(shows="red"), ValueError, "shows of a panel is 'red'"),
        (broken_panel(at=(0, 1, 3)), ValueError, "from 0 to 2"),
        (broken_panel(maps=("one",)), ValueError, "names 1 maps but layer 'block 0' has 4"),
        (lambda: dataclasses.replace(WORDS, words=("one",)), ValueError, "1 words"),
        (broken_view(picture=np.zeros((64, 64, 3))), TypeError, "uint8"),
        (broken_view(picture=np.zeros((64, 64), np.uint8)), ValueError, "3 axes"),
        (broken_view(picture=np.zeros((64, 64, 4), np.uint8)), ValueError, r"expected \(H, W, 3\)"),
        (broken_view(picture=np.zeros((4000, 64, 3), np.uint8)), ValueError, "sides up to 512"),
        (broken_view(panels=()), ValueError, "no panels"),
        (
            broken_view(panels=(broken_panel(at=(0,))(), LAYER_PANEL)),
            ValueError,
            "3 stops of the slider but there are 1",
        ),
        (broken_view(cells=(0, 8)), ValueError, "rows and columns from 1"),
        (broken_view(squares=(4, 4)), ValueError, r"expected \(4, 4\)"),
        (broken_view(picture=np.zeros((32, 32, 3), np.uint8)), ValueError, "leave the picture"),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_a_sentence(make, error, message):
    with pytest.raises(error, match=message) as caught:
        make()
    assert re.search(r"expected|; |\.", str(caught.value))


@pytest.mark.parametrize(
    ("picture", "error", "message"),
    [
        (np.zeros((32, 32, 3)), TypeError, "ndarray; expected a tensor of floats"),
        (torch.zeros(3, 32, 32, dtype=torch.uint8), TypeError, "torch.uint8 tensor"),
        (torch.zeros(1, 3, 32, 32), ValueError, "without a batch axis"),
        (torch.full((3, 32, 32), 200.0), ValueError, "from 200 to 200; expected"),
        (torch.full((3, 32, 32), -1.0), ValueError, "before normalisation"),
        (torch.full((3, 32, 32), torch.nan), ValueError, "NaN"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_refused(picture, error, message):
    with pytest.raises(error, match=message):
        reduce_picture(picture)


def test_encoders_that_cannot_be_measured_are_refused(cnn, vit, picture):
    with pytest.raises(ValueError, match="neither a CNN nor a ViT"):
        measure_patchview(None, None, picture)
    with pytest.raises(ValueError, match="fields_of is"):
        measure_patchview(cnn, None, picture, fields_of=("resnet",))
    with pytest.raises(ValueError, match="ConvNet is in training mode"):
        measure_patchview(ConvNet(8, (1,)), None, picture)
    with pytest.raises(ValueError, match=r"no layer features\.9"):
        measure_patchview(cnn, None, picture, cnn_layers=["features.9"])
    with pytest.raises(ValueError, match=r"no attention layers \[7\]"):
        measure_patchview(None, vit, picture, vit_layers=[7])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": torch.rand(3, 4, 16)}, r"expected a tensor \(layers, heads, words, cells\)"),
        ({"weights": torch.rand(1, 2, 4, 15)}, "Leave out columns"),
        ({"words": ["a"]}, "1 words"),
        ({"change": torch.rand(4, 3, 4)}, r"expected \(words, rows, columns\)"),
        ({"layers": ["a", "b"]}, "2 layer names for weights of 1 layers"),
    ],
)
def test_words_that_do_not_fit_their_weights_are_refused(picture, change, message):
    arguments = {"words": ["a", "b", "c", "d"], "weights": torch.rand(1, 2, 4, 16), "grid": (4, 4), **change}
    with pytest.raises(ValueError, match=message):
        words_over_cells(picture, **arguments)


def test_the_data_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        synthetic_patchview().title = "other"
    assert isinstance(LAYER, PanelLayer)
    assert isinstance(synthetic_patchview(), PatchViewData)


@pytest.mark.parametrize("anchors", [(1, 1), (2, 3)])
def test_a_network_runs_to_a_layer_once_for_the_fields_of_all_its_units(anchors):
    cnn, passes, ticks = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)), [], []
    cnn[0].register_forward_hook(lambda *_: passes.append(1))
    units = Units.nearest_to(anchors, (8, 8))
    noise = noise_images(1, 8, 8)

    fields = effective_fields(cnn.eval(), "1", units, noise, lambda: ticks.append(1))

    assert (len(passes), len(ticks)) == (1, anchors[0] * anchors[1])
    for i, row in enumerate(units.rows):
        for j, column in enumerate(units.columns):
            assert torch.equal(fields[i, j], effective_receptive_field(cnn, "1", (row, column), noise))

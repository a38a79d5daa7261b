"""The two trained networks that packages carry, on photographs: what they name, and what their tokens find alike."""

from __future__ import annotations

from copy import deepcopy
from functools import cache, partial
from importlib.metadata import distribution

import pytest
import torch
from support.field_oracles import capture
from support.wheels import require_installed
from torch.nn import functional as F

from vlmteach.backbones import load_encoder, name_classes, preprocessing_of
from vlmteach.backbones.wheels import DINOV2_SMALL_14, EFFICIENTNET_LITE0
from vlmteach.pictures import PHOTOGRAPHS, photograph
from vlmteach.probes import (
    attention_maps,
    effective_receptive_field,
    erf_size,
    mean_attention_distance,
    receptive_field,
    weighted_distance,
)


@pytest.fixture(scope="module")
def anew(tmp_path_factory):
    """An empty cache, so that the packages' files are converted here and not what an earlier conversion has kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
        yield


@pytest.fixture(scope="module")
def cnn(anew):
    require_installed(EFFICIENTNET_LITE0)
    return load_encoder("efficientnet_lite0", "pretrained").requires_grad_(False)


@pytest.fixture(scope="module")
def vit(anew):
    require_installed(DINOV2_SMALL_14)
    return load_encoder("dinov2_small_14", "pretrained").requires_grad_(False)


@cache
def seen_by(name: str, picture: str) -> torch.Tensor:
    return preprocessing_of(name).normalise(photograph(picture))[None]


# what the CNN says first of the middle square, 224 x 224, and how sure it is
FIRST = {
    "chelsea": ("Egyptian cat", 0.38),
    "coffee": ("espresso", 0.94),
    "rocket": ("missile", 0.27),
    "grace_hopper": ("military uniform", 0.40),
    "astronaut": ("bobsled", 0.19),  # wrong: it sees suit and helmet, and ImageNet has no astronaut
}


@pytest.mark.parametrize("picture", FIRST)
def test_the_trained_cnn_names_four_of_five_photographs(cnn, picture):
    ((name, share),) = name_classes(cnn.model(seen_by("efficientnet_lite0", picture))[0], most=1)
    expected, sure = FIRST[picture]
    assert name == expected
    assert share == pytest.approx(sure, abs=0.01)


def test_every_photograph_is_named_here():
    assert FIRST.keys() == PHOTOGRAPHS.keys()


@pytest.mark.parametrize("shape", [(10,), (1, 1000), (1001,)])
def test_scores_of_another_classifier_are_not_named(shape):
    with pytest.raises(ValueError, match=r"expected \(1000,\)"):
        name_classes(torch.zeros(shape))


def test_classes_come_likeliest_first():
    scores = torch.zeros(1000)
    scores[285], scores[967] = 3.0, 5.0  # ImageNet's numbers of Egyptian cat and espresso
    (first, high), (second, low) = name_classes(scores, most=2)
    assert (first, second) == ("espresso", "Egyptian cat")
    assert 0 < low < high < 1


STAGES = ["conv_stem", *[f"blocks.{stage}" for stage in range(7)], "conv_head"]


def test_the_receptive_field_of_the_trained_cnn_is_exact_by_the_nan_oracle(cnn):
    """NaN outside a box never arrives, NaN in its corners does; SAME padding moves boxes with the picture's size."""
    height, width = 96, 130
    fields = receptive_field(cnn.model, (height, width))
    picture = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    for name in STAGES:
        rows, columns = capture(cnn.model, name, picture).shape[2:]
        units = [(0, 0), (rows - 1, columns - 1), (rows // 2, columns // 2), (0, columns - 1), (rows - 1, 0)]
        assert len(set(units)) == 5
        for row, column in units:
            top, left, bottom, right = fields[name].box(row, column)
            top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, height), min(right, width)
            # all outside the box NaN: the unit must not notice; one pixel NaN in a corner of the box: it must
            outside, first, last = pictures = picture.repeat(3, 1, 1, 1)
            outside[:] = torch.nan
            outside[:, top:bottom, left:right] = picture[0, :, top:bottom, left:right]
            first[:, top, left] = last[:, bottom - 1, right - 1] = torch.nan
            reached = capture(cnn.model, name, pictures)[:, :, row, column].isnan()
            assert not reached[0].any(), (name, row, column)
            assert reached[1:].all(), (name, row, column)


def with_depthwise_of(network, other):
    mixed = deepcopy(network)
    kernels = {name: kernel for name, kernel in other.state_dict().items() if name.endswith("conv_dw.weight")}
    assert len(kernels) == 16
    mixed.load_state_dict(kernels, strict=False)
    return mixed


def field_sizes(network, stage, unit):
    """How wide a unit's effective field is on each photograph."""
    shown = [seen_by("efficientnet_lite0", picture) for picture in PHOTOGRAPHS]
    return [erf_size(effective_receptive_field(network, stage, unit, picture)) for picture in shown]


@pytest.fixture(scope="module")
def trained_sizes(cnn):
    return cache(partial(field_sizes, cnn.model))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("stage", "unit"), [("blocks.2", (14, 14)), ("blocks.4", (7, 7))])
def test_whose_depthwise_kernels_a_network_has_decides_how_wide_its_field_is(cnn, trained_sizes, seed, stage, unit):
    """As lesson 02 says: on each of five photographs, whatever all other weights are."""
    fresh = load_encoder("efficientnet_lite0", seed=seed).requires_grad_(False).model
    narrow, wide = trained_sizes(stage, unit), field_sizes(fresh, stage, unit)
    assert all(a < 0.75 * b for a, b in zip(narrow, wide, strict=True))
    narrow_too = field_sizes(with_depthwise_of(fresh, cnn.model), stage, unit)
    wide_too = field_sizes(with_depthwise_of(cnn.model, fresh), stage, unit)
    assert max(narrow + narrow_too) < 0.9 * min(wide + wide_too)


EVEN = 116.6  # pixels: the mean distance of two patches of 16 x 16


def head_distances(encoder):
    """(photographs, layers, heads), as shares of EVEN."""
    maps = [attention_maps(encoder, seen_by("dinov2_small_14", picture)) for picture in PHOTOGRAPHS]
    return torch.stack([mean_attention_distance(one.among_picture_tokens(), patch_size=14) for one in maps]) / EVEN


def test_early_layers_of_the_trained_vit_mix_near_and_far_heads_on_every_photograph(vit):
    """As lessons 04 and 10 say. Counted from 1, layers 3 to 5 mix, layer 1 does not, and the last look farther."""
    places = torch.cartesian_prod(torch.arange(16), torch.arange(16))
    assert 14 * weighted_distance(torch.ones(256, 16, 16), places).mean() == pytest.approx(EVEN, abs=0.05)
    found = head_distances(vit)
    near, far = found.amin(dim=2), found.amax(dim=2)
    assert (near[:, 2:5] < 0.35).all()
    assert (far[:, 2:5] > 0.85).all()
    assert (near[:, 0] > 0.4).all()
    assert (near[:, 9:] > 0.35).all()


@pytest.mark.parametrize("branches", ["open", "own"])
def test_every_head_of_an_untrained_vit_looks_everywhere_alike(branches):
    untrained = load_encoder("dinov2_small_14", branches=branches).requires_grad_(False)
    assert (head_distances(untrained) - 1).abs().max() < 0.04


# Patches of 14 pixels of the middle square, (row, column) of 16 x 16, read off the photographs: those wholly inside a
# face, and all that show some of it
INSIDE = {"grace_hopper": (range(4, 8), range(6, 10)), "astronaut": (range(3, 5), range(5, 8))}
FACE = {"grace_hopper": (range(3, 9), range(5, 11)), "astronaut": (range(1, 6), range(5, 9))}
OTHER = {"grace_hopper": "astronaut", "astronaut": "grace_hopper"}
NEAREST = 5


def patches(place) -> list[int]:
    rows, columns = place
    return [row * 16 + column for row in rows for column in columns]


def share_of_faces(encoder) -> dict[str, float]:
    """Of the five tokens *of the other photographs* most like a token inside a face, the share that show a face.

    In one photograph skin alone would do: untrained tokens compare colours, and neighbours look alike.
    """
    tokens = {name: encoder(seen_by("dinov2_small_14", name)).without_prefix_tokens().tokens[0] for name in PHOTOGRAPHS}
    shared = torch.cat(list(tokens.values())).mean(dim=0)
    shares = {}
    for name, other in OTHER.items():
        asked = F.normalize(tokens[name][patches(INSIDE[name])] - shared, dim=-1)
        rest = {key: F.normalize(value - shared, dim=-1) for key, value in tokens.items() if key != name}
        nearest = (asked @ torch.cat(list(rest.values())).T).topk(NEAREST).indices
        first = 256 * list(rest).index(other)
        right = torch.tensor([first + patch for patch in patches(FACE[other])])
        shares[name] = float(torch.isin(nearest, right).float().mean())
    return shares


def test_a_face_patchs_nearest_tokens_are_face_patches_of_another_photograph(vit):
    trained = share_of_faces(vit)
    assert trained["grace_hopper"] > 0.9  # measured: 1.0; by chance 0.02
    assert trained["astronaut"] > 0.7  # 0.8; by chance 0.04


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_untrained_tokens_do_not_find_the_other_face(seed):
    untrained = share_of_faces(load_encoder("dinov2_small_14", seed=seed).requires_grad_(False))
    assert max(untrained.values()) < 0.2  # 0.01 to 0.10


def test_the_converted_vit_computes_what_the_packages_own_graph_computes(vit):
    """From the blocks on, run by onnx itself; before them, positions are stretched by another rule."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    graph = onnx.load(str(distribution(DINOV2_SMALL_14.package).locate_file(DINOV2_SMALL_14.file))).graph
    names = [node.name for node in graph.node]
    first, last = (names.index(f"/backbone/{name}") for name in ("encoder/layer.0/norm1/ReduceMean", "layernorm/Add_1"))
    constants = [node for node in graph.node[:first] if node.op_type == "Constant"]
    given, wanted = graph.node[first].input[0], graph.node[last].output[0]
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 257, 384]) for name in (given, wanted)]
    nodes = [*constants, *graph.node[first : last + 1]]
    part = onnx.helper.make_graph(nodes, "blocks", ends[:1], ends[1:], graph.initializer)
    tokens = torch.randn(1, 257, 384, generator=torch.Generator().manual_seed(0))
    (expected,) = ReferenceEvaluator(onnx.helper.make_model(part)).run(None, {given: tokens.numpy()})
    ours = vit.model.norm(vit.model.blocks(tokens))
    assert expected.std() > 0.1
    assert (ours - torch.from_numpy(expected)).abs().max() < 1e-4 * expected.std()

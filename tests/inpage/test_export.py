"""What of a model goes into a page, and what is refused."""

import base64
import re
import zlib
from importlib import resources

import numpy as np
import pytest
import torch
from torch import nn

from vlmteach.experiments.matrix import build_vlm
from vlmteach.experiments.matrix.models import MATRIX_CONNECTORS, MATRIX_ENCODERS
from vlmteach.inpage import ModelRefused, as_in_page, pack_model
from vlmteach.inpage.export import KINDS
from vlmteach.nn import VisionTransformer
from vlmteach.nn.convnet import ConvBlock


def model(encoder="cnn-small", connector="cross-attention"):
    return build_vlm(encoder, connector, positions=True, seed=0).eval()


def test_the_packed_weights_are_the_models_rounded_to_float16():
    packed = pack_model(model())["tensors"]
    planes = np.frombuffer(zlib.decompress(base64.b64decode(packed["bytes"])), dtype=np.uint8).reshape(2, -1)
    values = np.ascontiguousarray(planes.T).view("<f2").ravel().astype(np.float32)
    state = {name: tensor for name, tensor in as_in_page(model()).state_dict().items() if tensor.is_floating_point()}
    assert packed["names"] == list(state)
    assert packed["shapes"] == [list(tensor.shape) for tensor in state.values()]
    assert np.array_equal(values, torch.cat([tensor.flatten() for tensor in state.values()]).numpy())


def test_rounding_leaves_the_model_itself_as_it_was():
    kept = model()
    as_in_page(kept)
    assert torch.equal(kept.language_model.head.weight, model().language_model.head.weight)


def test_every_kind_that_is_exported_is_a_function_of_the_page_and_the_other_way_round():
    source = (resources.files("vlmteach.inpage") / "model.js").read_text(encoding="utf-8")
    functions = re.findall(r"^  (\w+)(?:: \(self|\(self)", source, flags=re.MULTILINE)
    assert sorted(functions) == sorted(kind.__name__ for kind in KINDS)


def test_the_whole_model_is_one_file_to_read():
    for name, most in (("model.js", 350), ("scene.js", 80)):
        assert len((resources.files("vlmteach.inpage") / name).read_text(encoding="utf-8").splitlines()) <= most


@pytest.mark.parametrize("encoder", MATRIX_ENCODERS)
@pytest.mark.parametrize("connector", MATRIX_CONNECTORS)
def test_a_cell_of_the_matrix_is_packed_or_refused_by_the_name_of_what_the_page_lacks(encoder, connector):
    cell = build_vlm(encoder, connector, positions=True, seed=0).eval()
    lacking = {type(module).__name__ for module in cell.modules() if type(module) not in KINDS}
    if lacking:
        with pytest.raises(ModelRefused, match=" is a (" + "|".join(lacking) + "), which a page cannot compute"):
            pack_model(cell)
    else:
        assert pack_model(cell)["module"]["type"] == "VisionLanguageModel"


class OwnBlock(ConvBlock):
    """A block that computes something else under a known name's roof."""


def test_a_kind_derived_from_a_known_one_is_not_taken_for_it():
    changed = model()
    changed.encoder[1].features[1] = OwnBlock(104)
    with pytest.raises(ModelRefused, match=r"encoder\.1\.features\.1 is a OwnBlock"):
        pack_model(changed.eval())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m.train(), "training mode"),
        (lambda m: setattr(m.language_model.blocks[0].mlp, "act", nn.GELU("tanh")), "approximate of a GELU is 'tanh'"),
        (lambda m: setattr(m.encoder[1].features[1].conv, "padding_mode", "reflect"), "padding_mode of a Conv2d"),
        (lambda m: setattr(m.encoder[1].features[1].conv, "groups", 2), "groups of a Conv2d is 2"),
        (lambda m: setattr(m.encoder[1].features[1].conv, "stride", (1, 2)), r"stride of a Conv2d is \(1, 2\)"),
        (lambda m: setattr(m.encoder[1].features[1].conv, "padding", "same"), "padding of a Conv2d is 'same'"),
        (lambda m: setattr(m.language_model, "norm", nn.LayerNorm(64, bias=False)), "weight of a LayerNorm"),
        (lambda m: setattr(m.encoder[1].features[1], "norm", nn.BatchNorm2d(104, affine=False)), "affine of a Batch"),
        (lambda m: nn.init.constant_(m.language_model.head.bias, float("nan")), "language_model.head.bias holds NaN"),
        (lambda m: nn.init.constant_(m.language_model.head.bias, 70000.0), "beyond 65504"),
        (
            lambda m: m.encoder.__setitem__(1, VisionTransformer(48, 8, 104, depth=1, num_heads=4)),
            "prefix_tokens of a VisionTransformer is 1",
        ),
    ],
)
def test_what_the_page_would_compute_otherwise_is_refused_with_a_sentence(change, sentence):
    changed = model()
    change(changed)
    if "training" not in sentence:
        changed.eval()
    with pytest.raises(ModelRefused, match=sentence):
        pack_model(changed)

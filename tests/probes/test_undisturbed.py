"""What a probe read is not changed by what the network does afterwards, nor by how it is run.

The oracle is a twin that writes nothing in place, or the same network run in the plain way.
"""

from contextlib import contextmanager

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from support.random_weights import largest_difference, randomise
from torch import nn
from torchvision.models import vgg

from vlmteach.nn import VisionTransformer, on_grid
from vlmteach.probes import attention_maps, effective_receptive_field, measure_patchview, noise_images, occlusion
from vlmteach.probes.depth import distance_by_depth
from vlmteach.probes.patchview import Effort
from vlmteach.probes.patchview.layers import read_grids

LITTLE = Effort(layers=4, anchors=(2, 2), squares=(2, 2), noise=1, batch_size=4)
PICTURE = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
NOISE = noise_images(2, 32, 32)


def in_place(model, yes):
    """Every module of it writes on its input, or none does."""
    for module in model.modules():
        if hasattr(module, "inplace"):
            module.inplace = yes
    return model


class Adds(nn.Module):
    """A residual block as people write it: +=, add_ and mul_ on what the layers before returned."""

    def __init__(self, yes):
        super().__init__()
        self.one, self.two, self.inplace = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1), yes

    def forward(self, image):
        if not self.inplace:
            first = self.one(image - 0.5)
            return (first + self.two(first)) * 2
        image -= 0.5
        first = self.one(image)
        second = self.two(first)
        first += second
        return first.mul_(2)


class TokensInPlace(nn.Module):
    """A ViT whose blocks add to the very tokens that the block before returned."""

    def __init__(self, yes):
        super().__init__()
        self.patches, self.inplace = nn.Conv2d(3, 16, 8, 8), yes
        self.blocks = VisionTransformer(32, 8, 16, depth=3, num_heads=2).blocks

    def forward(self, image):
        tokens = self.blocks[0](self.patches(image).flatten(2).mT)
        for block in self.blocks[1:]:
            tokens = tokens.add_(block(tokens)) if self.inplace else tokens + block(tokens)
        return on_grid(tokens, 4, 4)


def twins(make):
    def of(yes):
        torch.manual_seed(23)
        return in_place(make(yes), yes).eval()

    return of(True), of(False)


CNNS = {
    "ReLU": (
        lambda yes: nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 4, 3, 1, 1), nn.ReLU()),
        ["0", "1", "2", "3"],
    ),
    "ReLU on the picture": (lambda yes: nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 3, 2, 1), nn.SiLU()), ["1", "2"]),
    "sums": (Adds, ["one", "two"]),
    "vgg11_bn": (lambda yes: vgg.make_layers(vgg.cfgs["A"], batch_norm=True)[:8], ["0", "1", "2", "4", "5"]),
    "resnet18": (
        lambda yes: torchvision.models.resnet18(weights=None),
        ["conv1", "bn1", "layer1.0.conv2", "layer1.0.bn2", "layer1", "layer2"],
    ),
    "densenet121": (
        lambda yes: torchvision.models.densenet121(weights=None).features[:5],
        ["conv0", "norm0", "denseblock1"],
    ),
    "timm's act layers": (
        lambda yes: timm.create_model("test_efficientnet"),
        ["conv_stem", "bn1", "blocks.0", "blocks.1"],
    ),
}


@pytest.mark.parametrize("name", CNNS)
def test_what_layers_held_is_what_they_returned(name):
    make, layers = CNNS[name]
    writes, plain = twins(make)
    held, expected = read_grids(writes, layers)(PICTURE), read_grids(plain, layers)(PICTURE)
    for layer in layers:
        assert largest_difference(held[layer], expected[layer]) <= 1e-5, layer


@pytest.mark.parametrize("name", ["ReLU", "ReLU on the picture", "sums"])
def test_the_explorer_shows_the_same_of_networks_that_write_in_place(name):
    make, layers = CNNS[name]
    picture = PICTURE[0].clone()
    views = [measure_patchview(model, None, picture, cnn_layers=layers, effort=LITTLE) for model in twins(make)]
    assert torch.equal(picture, PICTURE[0])
    for ours, theirs in zip(*[view.panels[-1].layers for view in views], strict=True):
        assert ours.name == theirs.name
        np.testing.assert_allclose(ours.change.peak, theirs.change.peak, rtol=1e-5)
        assert (ours.maps[0].levels == theirs.maps[0].levels).all()


def test_a_layer_that_never_fires_changes_when_a_square_is_hidden():
    # the convolution's numbers are all negative; the ReLU after it sets them to zero in place
    net = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False), nn.ReLU(inplace=True), nn.Conv2d(1, 1, 1)).eval()
    net[0].weight.data.fill_(-1.0)
    change = measure_patchview(net, None, PICTURE[0], cnn_layers=["0"], effort=LITTLE).panels[-1].layers[0].change
    assert change.peak.max() > 1


def test_captums_number():
    # pytorch/captum#156: seed 23; what the first layer returned was read after the ReLU, 3.4646 off
    torch.manual_seed(23)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, padding=1)).eval()
    x = torch.randn(1, 3, 5, 5)
    with torch.no_grad():
        assert torch.equal(read_grids(net, ["0"])(x)["0"].permute(0, 3, 1, 2), net[0](x))


@pytest.mark.parametrize("layer", ["blocks.0", "blocks.1"])
def test_a_unit_of_tokens_is_read_before_they_are_added_to(layer):
    writes, plain = twins(TokensInPlace)
    ours, theirs = (effective_receptive_field(model, layer, (1, 2), NOISE) for model in (writes, plain))
    assert largest_difference(ours, theirs) <= 1e-5


@pytest.mark.parametrize("name", CNNS)
def test_an_effective_field_is_that_of_the_network_without_writing(name):
    make, layers = CNNS[name]
    ours, theirs = (effective_receptive_field(model, layers[0], (3, 3), NOISE) for model in twins(make))
    assert largest_difference(ours, theirs) <= 1e-5
    assert torch.equal(NOISE, noise_images(2, 32, 32))


def test_hiding_is_measured_against_the_whole_picture_also_when_the_network_writes_on_it():
    def dim(image):
        image.mul_(0.5)
        return image.mean(dim=(2, 3))

    image = PICTURE.clone()
    ours, theirs = (occlusion(model, image, (2, 2), 0.0) for model in (dim, lambda x: (x * 0.5).mean(dim=(2, 3))))
    assert torch.equal(image, PICTURE)
    assert torch.equal(ours, theirs)


def test_a_network_may_answer_in_the_same_memory_each_time():
    answer = torch.zeros(1, 3)

    def model(image):
        torch.mean(image, dim=(2, 3), out=answer)
        return answer

    change = occlusion(model, PICTURE, (2, 2), 0.0, batch_size=1)
    assert (change < 0).all()


def test_weights_are_kept_when_the_network_writes_on_its_own():
    class Zeroes(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.MultiheadAttention(16, 4, batch_first=True)

        def forward(self, tokens):
            mixed, weights = self.block(tokens, tokens, tokens, average_attn_weights=False)
            weights.zero_()
            tokens.zero_()
            return mixed

    tokens = torch.randn(2, 5, 16)
    given = tokens.clone()
    weights = attention_maps(Zeroes().eval(), tokens).weights[0]
    assert torch.allclose(weights.sum(dim=-1), torch.ones(()))
    assert torch.equal(tokens, given)


# precision


def peaked_vit(fused=True, **options):
    """As trained networks have it: queries and keys far from zero, so that rounding shows."""
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=2, embed_dim=48, num_heads=3, **options).eval()
    for block in vit.blocks:
        block.attn.qkv.weight.data.mul_(12)
        block.attn.fused_attn = fused
    return vit


class OfTorch(nn.Module):
    def __init__(self, need_weights):
        super().__init__()
        torch.manual_seed(0)
        self.block, self.need_weights = nn.MultiheadAttention(48, 3, batch_first=True), need_weights
        self.block.in_proj_weight.data.mul_(12)

    def forward(self, image):
        tokens = F.avg_pool2d(image, 16).flatten(2).mT.repeat(1, 1, 16)
        return self.block(tokens, tokens, tokens, need_weights=self.need_weights)[0]


ATTENDING = {
    "fused": peaked_vit,
    "normed queries and keys": lambda: peaked_vit(qk_norm=True),
    "in the open": lambda: peaked_vit(fused=False),
    "torch's block": lambda: OfTorch(False).eval(),
    "torch's block, with weights": lambda: OfTorch(True).eval(),
    "ours": lambda: randomise(VisionTransformer(64, 16, 48, depth=2, num_heads=3), scale=1.0),
}
BIG = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("by", ["autocast", "a half-precision network"])
@pytest.mark.parametrize("name", ATTENDING)
def test_weights_are_float32_and_sum_to_one_in_half_precision(name, by, dtype):
    model, image = ATTENDING[name](), BIG
    exact = attention_maps(model, image).weights
    with torch.autocast("cpu", dtype=dtype, enabled=by == "autocast"):
        if by != "autocast":
            model, image = model.to(dtype), image.to(dtype)
        plain = first_tensor_of(model(image))
        seen = []
        handle = model.register_forward_hook(lambda module, inputs, output: seen.append(first_tensor_of(output)))
        maps = attention_maps(model, image)
        handle.remove()
    assert torch.equal(seen[0], plain)  # the network ran as it always runs
    for weights, roughly in zip(maps.weights, exact, strict=True):
        assert weights.dtype == torch.float32
        assert largest_difference(weights.sum(dim=-1), torch.ones(weights.shape[:-1])) <= 1e-5
        assert (weights - roughly).abs().mean() <= 0.05


def first_tensor_of(output):
    return output.tokens if hasattr(output, "tokens") else output


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("fused", [True, False])
def test_half_precision_weights_are_the_softmax_of_the_very_queries_and_keys(fused, dtype):
    vit, seen = peaked_vit(fused), []
    vit.blocks[0].attn.qkv.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.autocast("cpu", dtype=dtype):
        weights = attention_maps(vit, BIG).weights[0]
    assert seen[0].dtype == dtype
    query, key, _ = seen[0].double().unflatten(-1, (3, 3, 16)).permute(2, 0, 3, 1, 4)
    expected = (query @ key.mT / 4).softmax(dim=-1).float()
    # in the open, the scores were rounded to half before the softmax, and the weights are those of the network
    assert largest_difference(weights, expected) <= (1e-5 if fused else 0.1)


def test_differences_are_taken_in_float32():
    net = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten(2), nn.AdaptiveAvgPool1d(1), nn.Flatten()).eval().bfloat16()
    change = occlusion(net, PICTURE.bfloat16(), (8, 8), 0.0)
    assert change.dtype == torch.float32
    grids = read_grids(net, ["0"])(PICTURE.bfloat16())
    assert grids["0"].dtype == torch.float32


# how it is run


@contextmanager
def lowered_precision():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def float64_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


MANNERS = {
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "a lowered matmul precision": lowered_precision,
    "default dtype float64": float64_by_default,
}


def everything(cnn, vit, image):
    """What the probes say of these two, as plain tensors."""
    view = measure_patchview(cnn, vit, image[0], effort=LITTLE, fields_of=("cnn", "vit"))
    depth = [distance_by_depth(model, image, noise_images(1, 64, 64)) for model in (cnn, vit)]
    read = {
        "weights": attention_maps(vit, image).weights[1],
        "field": effective_receptive_field(cnn, "layer2", (3, 3), noise_images(2, 64, 64)),
        "hidden": occlusion(lambda x: cnn(x), image, (2, 2), 0.5),
        "depth of the CNN": depth[0].field,
        "depth of the ViT": depth[1].field,
        "attention by depth": depth[1].attention,
    }
    for panel in view.panels:
        for layer in panel.layers:
            for key, numbers in layer.numbers.items():
                read[f"{panel.kind} {panel.shows}, {layer.name}, {key}"] = torch.from_numpy(numbers)
            if layer.change is not None:
                read[f"{panel.kind} {panel.shows}, {layer.name}, change"] = torch.from_numpy(layer.change.peak)
    return read


@pytest.fixture(scope="module")
def plain():
    torch.manual_seed(0)
    cnn, vit = timm.create_model("test_resnet").eval(), peaked_vit()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    return cnn, vit, image, everything(cnn, vit, image)


@pytest.mark.parametrize("name", MANNERS)
def test_the_manner_of_running_changes_no_reading(name, plain):
    cnn, vit, image, expected = plain
    with MANNERS[name]():
        read = everything(cnn, vit, image.clone())
    assert read.keys() == expected.keys()
    for key, value in read.items():
        assert value.dtype == expected[key].dtype, key
        torch.testing.assert_close(
            value, expected[key], rtol=1e-4, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}"
        )
    for key in ("weights", "field", "hidden"):
        read[key].requires_grad_()  # an ordinary tensor, to go on with


def test_a_model_made_in_inference_mode_has_no_field_and_is_told_why():
    with torch.inference_mode():
        net = nn.Sequential(nn.Conv2d(3, 4, 3)).eval()
    with pytest.raises(ValueError, match=r"made in torch\.inference_mode.*copy\.deepcopy"):
        effective_receptive_field(net, "0", (3, 3), NOISE)

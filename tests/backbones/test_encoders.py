"""The real encoders with stand-in weights of the true architectures, against timm's own networks."""

from copy import deepcopy
from dataclasses import replace

import pytest
import timm
import torch
from safetensors.torch import save, save_file
from support.hub import hub_on_this_machine
from support.random_weights import largest_difference, random_network, randomise
from torch import nn

from vlmteach.backbones import PRETRAINED_ENCODERS, TimmViT, encoders, load_cnn, load_encoder, preprocessing_of
from vlmteach.backbones.encoders import ANY_SIZE, Entry
from vlmteach.backbones.weights import Undrawn, open_branches
from vlmteach.nn.tokens import grid_boxes, grid_to_tokens

# name -> stride or patch, width of a token, prefix tokens, repository, licence: as timm states them
EXPECTED = {
    "resnet50": (32, 2048, 0, "timm/resnet50.tv_in1k", "bsd-3-clause"),
    "convnext_tiny": (32, 768, 0, "timm/convnext_tiny.fb_in1k", "apache-2.0"),
    "vit_small": (16, 384, 1, "timm/vit_small_patch16_224.augreg_in21k_ft_in1k", "apache-2.0"),
    "dinov2_small": (14, 384, 5, "timm/vit_small_patch14_reg4_dinov2.lvd142m", "apache-2.0"),
    "clip_resnet50": (32, 2048, 0, "timm/resnet50_clip.openai", "mit"),
    "clip_vit": (32, 768, 1, "timm/vit_base_patch32_clip_224.openai", "apache-2.0"),
    "efficientnet_lite0": (32, 320, 0, "timm/tf_efficientnet_lite0.in1k", "apache-2.0"),
    "dinov2_small_14": (14, 384, 1, "timm/vit_small_patch14_dinov2.lvd142m", "apache-2.0"),
    "siglip_vit": (16, 768, 0, "timm/vit_base_patch16_siglip_224.webli", "apache-2.0"),
    "test_resnet": (32, 96, 0, "timm/test_resnet.r160_in1k", "apache-2.0"),
    "test_convnext": (32, 64, 0, "timm/test_convnext.r160_in1k", "apache-2.0"),
    "test_vit": (16, 64, 1, "timm/test_vit.r160_in1k", "apache-2.0"),
}


@pytest.fixture(scope="module", params=EXPECTED)
def pair(request, tmp_path_factory):
    """Name, our encoder with weights from "the hub", and timm's network with the same ones."""
    name = request.param
    theirs = random_network(timm.create_model, PRETRAINED_ENCODERS[name].network, scale=0.05)
    path = tmp_path_factory.mktemp(name) / "model.safetensors"
    save_file(theirs.state_dict(), path)
    with pytest.MonkeyPatch.context() as patch:
        asked = []
        patch.setitem(PRETRAINED_ENCODERS, name, replace(PRETRAINED_ENCODERS[name], wheel=None))
        patch.setattr(encoders, "fetch_weights", lambda *facts: asked.append(facts) or path)
        before = torch.get_rng_state()
        ours = load_encoder(name, "pretrained")
        assert torch.equal(torch.get_rng_state(), before)
    path.unlink()  # up to 350 MB
    *_, repository, licence = EXPECTED[name]
    assert asked == [(repository, licence, sum(tensor.nbytes for tensor in theirs.state_dict().values()))]
    return name, ours, theirs


def test_every_encoder_is_tested_here():
    assert PRETRAINED_ENCODERS.keys() == EXPECTED.keys()


@pytest.mark.parametrize(("pictures", "size"), [(1, (224, 224)), (2, (64, 256))], ids=str)
@torch.no_grad()
def test_forward_equals_timms_and_boxes_and_prefix_are_right(pair, pictures, size):
    name, ours, theirs = pair
    stride, width, num_prefix_tokens, *_ = EXPECTED[name]
    rows, columns = size[0] // stride, size[1] // stride  # 64 x 256 becomes 56 x 252 for patches of 14
    image = torch.randn(pictures, 3, rows * stride, columns * stride, generator=torch.Generator().manual_seed(1))
    visual = ours(image)
    if isinstance(ours, TimmViT):  # theirs takes one size: its table of positions is stretched beforehand
        theirs = deepcopy(theirs, {id(shared): shared for shared in theirs.parameters()})
        theirs.set_input_size(image.shape[2:])
        expected = theirs.forward_features(image)
    elif name == "efficientnet_lite0":  # forward_features goes on to a layer for the classifier
        expected = grid_to_tokens(theirs.blocks(theirs.bn1(theirs.conv_stem(image))))
    else:
        expected = grid_to_tokens(theirs.forward_features(image))
    assert 0.01 < expected.std() < 100
    assert largest_difference(visual.tokens, expected) <= 1e-5
    assert visual.tokens.shape == (pictures, num_prefix_tokens + rows * columns, width)
    assert visual.num_prefix_tokens == num_prefix_tokens
    assert visual.boxes[:, :num_prefix_tokens].tolist() == [[[0, 0, 1, 1]] * num_prefix_tokens] * pictures
    assert torch.equal(visual.boxes[:, num_prefix_tokens:], grid_boxes(pictures, rows, columns, like=image))
    assert torch.equal(ours.grid(image)[:, :, 1, 3], visual.tokens[:, num_prefix_tokens + columns + 3])
    assert not ours.training


def test_clips_vit_has_the_gelu_that_clip_was_trained_with():
    with torch.device("meta"):
        act = timm.create_model(PRETRAINED_ENCODERS["clip_vit"].network).blocks[0].mlp.act
    values = torch.linspace(-3, 3, 13)
    assert torch.allclose(act(values), values * torch.sigmoid(1.702 * values), atol=1e-5)


@torch.no_grad()
def test_untrained_weights_depend_on_the_seed_only():
    before = torch.get_rng_state()
    first, again, other = (load_encoder("test_vit", seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.model.pos_embed, again.model.pos_embed)
    assert not torch.equal(first.model.pos_embed, other.model.pos_embed)
    assert not first.training


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_vit"])
def test_weights_that_are_replaced_at_once_are_not_drawn(name):
    network = PRETRAINED_ENCODERS[name].network
    drawn = timm.create_model(network).state_dict()
    before = torch.get_rng_state()
    with Undrawn():
        undrawn = timm.create_model(network).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    missing = {name for name, tensor in undrawn.items() if tensor.isnan().all()}
    assert {name for name, tensor in drawn.items() if tensor.ndim > 1 and tensor.std() > 1e-3} <= missing
    assert all(torch.equal(tensor, drawn[name]) for name, tensor in undrawn.items() if name not in missing)


def contributions(encoder, image):
    """For each residual branch: how long what it adds is, over how long what it is added to is. Name -> ratio."""
    found = {}

    def compare(name, added, to):
        found[name] = float(added.norm() / to.norm())

    def around(name, module):
        """x + branch(x), in one module: its output less its input."""
        module.register_forward_hook(lambda m, inputs, output: compare(name, output - inputs[0], inputs[0]))

    def ends(block, name, branch, shortcut):
        """The branch ends in a module of its own; what it is added to is made by another, or is what came in."""
        seen = {}
        if shortcut is None:
            block.register_forward_pre_hook(lambda m, inputs: seen.update(to=inputs[0].clone()))
        else:
            shortcut.register_forward_hook(lambda m, inputs, output: seen.update(to=output.clone()))
        branch.register_forward_hook(lambda m, inputs, output: seen.update(added=output.clone()))
        block.register_forward_hook(lambda m, inputs, output: compare(name, seen["added"], seen["to"]))

    for name, block in encoder.named_modules():
        kind = type(block).__name__
        if kind == "Bottleneck":
            ends(block, name, block.bn3, block.downsample)
        elif kind == "BottleneckBlock":  # of CLIP's ResNet
            identity = isinstance(block.shortcut, nn.Identity)
            ends(block, name, block.conv3_1x1, None if identity else block.shortcut)
        elif kind == "BasicBlock":
            ends(block, name, block.bn2, block.downsample)
        elif kind == "ConvNeXtBlock" or (kind == "InvertedResidual" and block.has_skip):
            around(name, block)
        elif kind == "Block":
            ends(block, f"{name}.attn", block.ls1, None)
            ends(block, f"{name}.mlp", block.ls2, None)
    with torch.no_grad():
        encoder(image)
    return found


BRANCHES = {
    "resnet50": 16,
    "convnext_tiny": 18,
    "vit_small": 24,
    "dinov2_small": 24,
    "clip_resnet50": 16,
    "clip_vit": 24,
    "efficientnet_lite0": 9,
    "dinov2_small_14": 24,
    "siglip_vit": 24,
    "test_resnet": 4,
    "test_convnext": 9,
    "test_vit": 12,
}
CLOSED_AT_TIMM = {
    "resnet50", "convnext_tiny", "dinov2_small", "clip_resnet50", "dinov2_small_14", "test_resnet", "test_convnext",
}  # fmt: skip


@pytest.mark.parametrize("name", PRETRAINED_ENCODERS)
def test_every_residual_branch_of_an_untrained_encoder_counts(name):
    side = 4 * EXPECTED[name][0]
    image = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    ratios = contributions(load_encoder(name), image)
    assert len(ratios) == BRANCHES[name]
    least = 0.02 if EXPECTED[name][1] > 100 else 0.005  # a sum over few channels, of weights that start as small
    assert min(ratios.values()) > least, min(ratios, key=ratios.get)
    if name in CLOSED_AT_TIMM:
        assert max(contributions(load_encoder(name, branches="own"), image).values()) < 1e-3


@torch.no_grad()
def test_with_its_own_branches_an_encoder_is_as_timm_makes_it():
    ours = load_encoder("dinov2_small", seed=3, branches="own").model
    torch.manual_seed(3)
    theirs = timm.create_model(PRETRAINED_ENCODERS["dinov2_small"].network, **ANY_SIZE)
    assert all(torch.equal(tensor, ours.state_dict()[name]) for name, tensor in theirs.state_dict().items())
    opened = load_encoder("dinov2_small", seed=3).model
    changed = [
        name for name, tensor in theirs.state_dict().items() if not torch.equal(tensor, opened.state_dict()[name])
    ]
    assert changed == [f"blocks.{i}.ls{j}.gamma" for i in range(12) for j in (1, 2)]
    assert all((opened.state_dict()[name] == 1).all() for name in changed)


def test_only_scales_that_close_a_branch_are_opened():
    class Start(nn.Module):
        def __init__(self):
            super().__init__()
            parameters = {
                "gamma": torch.full((4,), 1e-5),
                "layer_scale": torch.full((4, 1, 1), 1e-6),
                "gain": torch.zeros(()),
                "one": torch.ones(4),
                "small_but_different": torch.tensor([1e-5, 2e-5, 1e-5, 1e-5]),
                "bias": torch.zeros(4),
                "q_bias": torch.zeros(4),
                "cls_token": torch.zeros(1, 1, 4),
                "weight": torch.zeros(4, 4),
                "empty": torch.zeros(0),
            }
            for name, tensor in parameters.items():
                self.register_parameter(name, nn.Parameter(tensor))

    model = Start()
    before = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    open_branches(model)
    for name, tensor in model.named_parameters():
        opened = name in ("gamma", "layer_scale", "gain")
        assert torch.equal(tensor, torch.ones_like(tensor) if opened else before[name]), name


@pytest.mark.parametrize(
    "load", [lambda **how: load_encoder("vit_small", **how), lambda **how: load_cnn("resnet18", **how)]
)
def test_branches_are_a_matter_of_untrained_weights(load):
    with pytest.raises(ValueError, match='branches is \'closed\'; expected "open" or "own"'):
        load(branches="closed")
    with pytest.raises(ValueError, match="pretrained ones have left that behind"):
        load(weights="pretrained", branches="own")


@pytest.mark.parametrize(("branches", "start"), [("open", 1.0), ("own", 1e-6)])
def test_torchvisions_convnext_starts_open_too(branches, start):
    scales = [
        tensor for name, tensor in load_cnn("convnext_tiny", branches=branches).state_dict().items() if "scale" in name
    ]
    assert len(scales) == 18
    assert {round(scale.max().item(), 9) for scale in scales} == {start}


def test_pretrained_weights_come_from_the_hub_with_size_and_licence(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(PRETRAINED_ENCODERS, "tiny", Entry("test_vit.r160_in1k", "a tiny ViT", TimmViT, ANY_SIZE))
    theirs = randomise(timm.create_model("test_vit"), scale=0.05)
    content = save(theirs.state_dict())
    with hub_on_this_machine(monkeypatch, tmp_path) as hub:
        hub.put("timm/test_vit.r160_in1k", "model.safetensors", content)
        ours = load_encoder("tiny", "pretrained")
    assert f"{len(content) / 1e6:.1f} MB to download, licence: apache-2.0" in capsys.readouterr().out
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.model.state_dict()[name], tensor)


def test_each_has_its_own_preprocessing():
    means = {name: preprocessing_of(name).mean for name in PRETRAINED_ENCODERS}
    assert means["efficientnet_lite0"] == means["siglip_vit"] == (0.5, 0.5, 0.5)
    imagenet = ("resnet50", "convnext_tiny", "dinov2_small", "dinov2_small_14")
    assert {means[name] for name in imagenet} == {(0.485, 0.456, 0.406)}
    assert means["vit_small"] == (0.5, 0.5, 0.5)
    assert means["clip_resnet50"] == means["clip_vit"] == pytest.approx((0.4815, 0.4578, 0.4082), abs=1e-4)
    assert preprocessing_of("resnet50").interpolation == "bilinear"
    assert preprocessing_of("dinov2_small").crop == 1


@pytest.mark.parametrize("call", [load_encoder, preprocessing_of])
def test_an_unknown_name_is_answered_with_those_there_are(call):
    with pytest.raises(ValueError, match=r"no encoder 'vit_large'; expected one of efficientnet_lite0, .*test_vit"):
        call("vit_large")


def test_an_unknown_kind_of_weights_is_refused():
    with pytest.raises(ValueError, match="weights is 'random'"):
        load_encoder("vit_small", "random")

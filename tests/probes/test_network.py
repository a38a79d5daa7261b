"""Networks as people have them: wrapped, compiled, parametrised, watched. Each is read like the plain network."""

import copy

import pytest
import torch
import torchvision
from support.random_weights import largest_difference
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm
from torch.utils.checkpoint import checkpoint

from vlmteach.backbones import GridEncoder
from vlmteach.nn import VisionTransformer
from vlmteach.probes import attention_maps, effective_receptive_field, measure_patchview, noise_images, occlusion
from vlmteach.probes.depth import distance_by_depth
from vlmteach.probes.network import in_training, in_words, named_parts, only_tensor, plain_network
from vlmteach.probes.patchview import Effort
from vlmteach.probes.patchview.layers import block_around, find_grid_layers

LITTLE = Effort(layers=4, anchors=(2, 2), squares=(2, 2), noise=1, batch_size=4)
PICTURE = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
NOISE = noise_images(2, 32, 32)


def cnn(wrap=lambda part: part):
    torch.manual_seed(0)
    layers = [wrap(nn.Conv2d(i, 8, 3, 2, 1)) for i in (3, 8)]
    return nn.Sequential(layers[0], nn.ReLU(inplace=True), layers[1], nn.ReLU(inplace=True)).eval()


def vit():
    torch.manual_seed(0)
    return VisionTransformer(32, 8, 16, depth=2, num_heads=2).eval()


def compiled_in_place(model):
    model.compile(backend="eager")
    return model


def compiled_inside(model):
    """One part after the other, as large networks are compiled."""
    for name, part in model.named_children():
        if isinstance(part, nn.ModuleList):
            for i, block in enumerate(part):
                part[i] = torch.compile(block, backend="eager")
        elif name == "2":
            model[2] = torch.compile(part, backend="eager")
    return model


@torch.no_grad()
def run_before(model):
    model(PICTURE)
    return model


def watched(model):
    """Other tools' hooks: one keeps what it saw, one its numbers, one is called whatever happens."""
    kept = []
    for part in model.modules():
        part.register_forward_hook(lambda module, inputs, output: kept.append(output))
        part.register_forward_hook(
            lambda module, inputs, output: kept.append(getattr(output, "tokens", output).cpu().detach().numpy())
        )
        part.register_forward_hook(lambda module, inputs, output: kept.append(output), always_call=True)
    return model


WRAPS = {
    "plain": lambda model: model,
    "DataParallel": nn.DataParallel,
    "DataParallel in eval mode": lambda model: nn.DataParallel(model).eval(),
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "compiled, and run before": lambda model: run_before(torch.compile(model, backend="eager")),
    "compiled in place": compiled_in_place,
    "compiled in place, and run before": lambda model: run_before(compiled_in_place(model)),
    "compiled inside": compiled_inside,
    "compiled inside, and run before": lambda model: run_before(compiled_inside(model)),
    "compiled DataParallel": lambda model: torch.compile(nn.DataParallel(model), backend="eager"),
    "watched by others": watched,
}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS.keys())
def test_a_cnn_is_read_like_the_plain_one(wrap):
    ours, plain = wrap(cnn()), cnn()
    assert find_grid_layers(plain_network(ours), PICTURE) == find_grid_layers(plain, PICTURE)
    for layer in ("0", "2"):
        fields = [effective_receptive_field(model, layer, (2, 3), NOISE) for model in (ours, plain)]
        assert largest_difference(*fields) <= 1e-5
    depths = [distance_by_depth(model, PICTURE, NOISE) for model in (ours, plain)]
    assert depths[0].layers == depths[1].layers
    assert largest_difference(depths[0].field, depths[1].field) <= 1e-4
    for node in (None, "2"):
        encoders = [GridEncoder(model, node) for model in (ours, plain)]
        assert encoders[0].node == encoders[1].node
        assert torch.equal(*[encoder.grid(PICTURE) for encoder in encoders])
        assert encoders[0].state_dict().keys() >= {"model.0.weight"} or wrap is compiled_inside
    changes = [
        occlusion(lambda x, model=model: model(x).mean(dim=(2, 3)), PICTURE, (2, 2), 0.0) for model in (ours, plain)
    ]
    assert largest_difference(*changes) <= 1e-5


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS.keys())
def test_a_vit_is_read_like_the_plain_one(wrap):
    ours, plain = attention_maps(wrap(vit()), PICTURE), attention_maps(vit(), PICTURE)
    assert ours.names == plain.names == ("blocks.0.attn", "blocks.1.attn")
    assert ours.picture == plain.picture
    assert all(largest_difference(a, b) <= 1e-5 for a, b in zip(ours.weights, plain.weights, strict=True))
    depths = [distance_by_depth(model, PICTURE, NOISE) for model in (wrap(vit()), vit())]
    assert largest_difference(depths[0].attention, depths[1].attention) <= 1e-4


@pytest.mark.parametrize("name", ["DataParallel", "compiled", "compiled in place", "watched by others"])
def test_the_explorer_shows_a_wrapped_pair_like_the_plain_one(name):
    if name == "watched by others":
        pytest.skip("boxes are traced, which is the receptive field's own matter")
    views = [
        measure_patchview(wrap(cnn()), wrap(vit()), PICTURE[0], effort=LITTLE) for wrap in (WRAPS[name], WRAPS["plain"])
    ]
    for ours, theirs in zip(*[view.panels for view in views], strict=True):
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
        for one, other in zip(ours.layers, theirs.layers, strict=True):
            assert one.change is None or abs(one.change.peak - other.change.peak).max() <= 1e-3


def test_the_plain_model_works_after_a_wrapped_one_was_read():
    model = vit()
    before = model(PICTURE).tokens
    for wrap in (WRAPS["compiled"], WRAPS["DataParallel"]):
        attention_maps(wrap(model), PICTURE)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    assert torch.equal(model(PICTURE).tokens, before)


PARAMETRISED = {
    "weight norm": parametrizations.weight_norm,
    "spectral norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "spectral norm by hook": spectral_norm,
}


@pytest.mark.parametrize("wrap", PARAMETRISED.values(), ids=PARAMETRISED.keys())
def test_a_parametrised_layer_is_one_layer(wrap):
    model, plain = cnn(lambda part: wrap(part.eval())), cnn()
    assert not in_training(model)
    assert find_grid_layers(model, PICTURE) == find_grid_layers(plain, PICTURE) == ["0", "1", "2", "3"]
    assert GridEncoder(model).node == GridEncoder(plain).node == "3"
    # a plain network with the weights that were worked out
    for ours, theirs in zip(model, plain, strict=True):
        if isinstance(theirs, nn.Conv2d):
            theirs.weight, theirs.bias = nn.Parameter(ours.weight.detach().clone()), ours.bias
    fields = [effective_receptive_field(one, "2", (2, 3), NOISE) for one in (model, plain)]
    assert largest_difference(*fields) <= 1e-5
    assert distance_by_depth(model, PICTURE, NOISE).layers == ("0", "1", "2", "3")


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
def test_a_kernel_that_is_worked_out_is_no_grid():
    # the last layer of a discriminator makes one number of a map; its 3 x 3 kernel has four axes, too
    class Discriminator(nn.Module):
        def __init__(self, wrap):
            super().__init__()
            self.body, self.last = nn.Conv2d(3, 8, 70, 70), wrap(nn.Conv2d(8, 1, 3))

        def forward(self, image):
            return self.last(self.body(image)).flatten(1)

    for wrap in (lambda part: part, parametrizations.weight_norm, weight_norm, parametrizations.spectral_norm):
        assert GridEncoder(Discriminator(wrap).eval()).node == "body"


LAZY = {
    "attention_maps": lambda model: attention_maps(model, PICTURE),
    "effective_receptive_field": lambda model: effective_receptive_field(model, "0", (0, 0), NOISE),
    "occlusion": lambda model: occlusion(model, PICTURE, (2, 2), 0.0),
    "distance_by_depth": lambda model: distance_by_depth(model, PICTURE, NOISE),
    "measure_patchview": lambda model: measure_patchview(model, None, PICTURE[0], effort=LITTLE),
    "GridEncoder": GridEncoder,
}


@pytest.mark.parametrize("probe", LAZY.values(), ids=LAZY.keys())
def test_a_lazy_network_is_not_drawn_by_a_probe(probe):
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU()).eval()
    with pytest.raises(ValueError, match=r"0\.weight has no shape yet \(a lazy layer\).*model\(image\)"):
        probe(model)
    assert isinstance(model[0].weight, nn.UninitializedParameter)
    model(PICTURE)
    assert GridEncoder(model).channels == 4


@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated")
def test_torchscript_is_refused_with_the_way_out():
    scripted = torch.jit.trace(cnn(), PICTURE)
    for probe in (lambda m: attention_maps(m, PICTURE), lambda m: effective_receptive_field(m, "0", (0, 0), NOISE)):
        with pytest.raises(ValueError, match="pass the module that it was scripted or traced from"):
            probe(scripted)
    assert occlusion(lambda x: scripted(x).mean(dim=(2, 3)), PICTURE, (2, 2), 0.0).shape == (2, 2, 8)


class Checkpointed(nn.Module):
    def __init__(self, reentrant):
        super().__init__()
        self.stage, self.reentrant = cnn(), reentrant

    def forward(self, image):
        return checkpoint(self.stage, image, use_reentrant=self.reentrant)


@pytest.mark.parametrize("layer", ["stage", "stage.0", "stage.2"])
def test_memory_saved_by_checkpoints_changes_no_gradient(layer):
    saved, plain = Checkpointed(False).eval(), cnn()
    own = layer.removeprefix("stage").removeprefix(".")
    fields = [
        effective_receptive_field(saved, layer, (2, 3), NOISE),
        effective_receptive_field(plain, own, (2, 3), NOISE),
    ]
    assert largest_difference(*fields) <= 1e-5
    GridEncoder(saved, layer).grid(PICTURE).sum().backward()
    GridEncoder(plain, own or "3").grid(PICTURE).sum().backward()
    assert largest_difference(saved.stage[0].weight.grad, plain[0].weight.grad) <= 1e-5


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
def test_gradients_that_are_switched_off_on_the_way_are_named():
    saved = Checkpointed(True).eval()
    with pytest.raises(ValueError, match=r"no gradient leads from the picture to .stage.: .*reentrant checkpointing"):
        effective_receptive_field(saved, "stage", (2, 3), NOISE)
    encoder = GridEncoder(saved, "stage")
    with pytest.warns(UserWarning, match="switches gradients off before 'stage'"):
        encoder.grid(PICTURE)


def test_stages_that_checkpoints_pass_by_are_named():
    import timm

    model = timm.create_model("test_resnet").eval()
    encoder = GridEncoder(model, "layer4")
    model.set_grad_checkpointing()
    with pytest.raises(ValueError, match="it was not run, as under gradient checkpointing"):
        GridEncoder(model, "layer4")
    with pytest.raises(RuntimeError, match=r"without passing 'layer4'.*checkpointing"):
        encoder.grid(torch.rand(1, 3, 64, 64))
    assert GridEncoder(model).node == "layer4.0"


class Returns(nn.Module):
    """A network whose stages return what people let them return."""

    def __init__(self, pack):
        super().__init__()
        self.stem, self.body = Packs(nn.Conv2d(3, 8, 3, 2, 1), pack), Packs(nn.Conv2d(8, 8, 3, 2, 1), pack)

    def forward(self, image):
        return self.body(only_tensor(self.stem(image)))


class Packs(nn.Module):
    def __init__(self, part, pack):
        super().__init__()
        self.part, self.pack = part, pack

    def forward(self, image):
        return self.pack(self.part(image))


PACKS = {
    "tensor": lambda x: x,
    "tuple": lambda x: (x,),
    "list": lambda x: [x],
    "dict": lambda x: {"out": x},
    "tuple with None": lambda x: (x, None),
}


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS.keys())
def test_a_tensor_alone_in_a_container_is_that_tensor(pack):
    torch.manual_seed(0)
    ours = Returns(pack).eval()
    plain = copy.deepcopy(ours)
    plain.stem.pack = plain.body.pack = PACKS["tensor"]
    assert find_grid_layers(ours, PICTURE) == find_grid_layers(plain, PICTURE) == ["stem", "body"]
    fields = [effective_receptive_field(model, "body", (2, 3), NOISE) for model in (ours, plain)]
    assert largest_difference(*fields) <= 1e-5
    assert GridEncoder(ours).node == GridEncoder(plain).node == "body"
    assert torch.equal(GridEncoder(ours).grid(PICTURE), GridEncoder(plain).grid(PICTURE))
    assert distance_by_depth(ours, PICTURE, NOISE).layers == ("stem", "body")


def test_several_tensors_are_named_with_their_shapes():
    model = Returns(lambda x: {"out": x, "aux": x[:, :2]}).eval()
    model.forward = lambda image: model.body(model.stem(image)["out"])
    words = r"a dict of 'out': shape \(2, 8, 16, 16\), 'aux': shape \(2, 2, 16, 16\)"
    with pytest.raises(ValueError, match=words):
        effective_receptive_field(model, "stem", (2, 3), NOISE)
    with pytest.raises(ValueError, match=r"it returned a dict of 'out'"):
        GridEncoder(model, "stem")
    with pytest.raises(ValueError, match=r"returned a dict of 'out'.*lambda x: model\(x\)\['out'\]"):
        occlusion(model, PICTURE, (2, 2), 0.0)
    assert in_words((torch.zeros(2), None)) == "a tuple of 2: shape (2,), NoneType"


def test_torchvisions_dict_and_list_networks_give_their_grids():
    from torchvision.models._utils import IntermediateLayerGetter

    resnet = torchvision.models.resnet18(weights=None).eval()
    grid = GridEncoder(resnet).grid(torch.ones(1, 3, 64, 64))
    picked = GridEncoder(IntermediateLayerGetter(resnet, {"layer4": "out"}))
    assert torch.equal(picked.grid(torch.ones(1, 3, 64, 64)), grid)


def test_parts_are_named_as_before_anything_was_compiled_or_parametrised():
    model = cnn(lambda part: parametrizations.weight_norm(part))
    names = [name for name, _ in named_parts(model)]
    assert names == [name for name, _ in cnn().named_modules()]
    compiled = torch.compile(compiled_inside(cnn()), backend="eager")
    assert [name for name, _ in named_parts(compiled)] == names


def test_the_block_around_attention_stands_in_a_row_of_blocks():
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.ModuleDict({"attention": nn.Linear(2, 2)})

    model = nn.ModuleDict({"encoder": nn.Sequential(Layer(), Layer()), "pool": Layer()})
    assert block_around(model, "encoder.1.attention.attention") == "encoder.1"
    assert block_around(vit(), "blocks.1.attn") == "blocks.1"
    assert block_around(torchvision.models.vit_b_16(weights=None), "encoder.layers.encoder_layer_3.self_attention") == (
        "encoder.layers.encoder_layer_3"
    )

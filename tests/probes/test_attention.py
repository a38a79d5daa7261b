import copy

import pytest
import torch
from support.random_weights import largest_difference, randomise
from torch import nn

from vlmteach.nn import ConvStemViT, CrossAttention, MultiHeadAttention, VisionTransformer, VisualTokens
from vlmteach.nn.attention import join_heads
from vlmteach.probes import attention_maps

SMALL = {"depth": 2, "embed_dim": 96, "num_heads": 3}
# name, arguments, side of the picture, prefix tokens
TIMM_VITS = [
    ("vit_tiny_patch16_224", {"img_size": 64}, 64, 1),
    ("vit_base_patch16_gap_224", {"img_size": 64}, 64, 0),
    ("deit3_small_patch16_224", {"img_size": 64}, 64, 1),
    ("deit_tiny_distilled_patch16_224", {"img_size": 64}, 64, 2),
    ("vit_base_patch16_siglip_224", {"img_size": 64}, 64, 0),
    ("vit_small_patch14_reg4_dinov2", {"img_size": 56}, 56, 5),
    ("vit_small_patch16_dinov3", {"img_size": 64}, 64, 5),
    ("eva02_tiny_patch14_224", {"img_size": 56}, 56, 1),
    ("beit_base_patch16_224", {"img_size": 64}, 64, 1),
    ("vit_relpos_small_patch16_224", {"img_size": 64}, 64, 0),
]


def timm_vit(name, arguments):
    import timm

    return randomise(timm.create_model(name, **SMALL, **arguments), scale=0.05)


def picture(side, batch=2):
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(5))


def our_vit(**arguments):
    return randomise(VisionTransformer(32, 8, dim=24, depth=2, num_heads=3, **arguments), scale=0.05)


@pytest.mark.parametrize(("name", "arguments", "side", "num_prefix_tokens"), TIMM_VITS)
def test_maps_equal_those_of_the_unfused_model_and_know_their_layout(name, arguments, side, num_prefix_tokens):
    model = timm_vit(name, arguments)
    unfused, written = copy.deepcopy(model), []
    for block in unfused.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda module, inputs, output: written.append(output))
    with torch.no_grad():
        unfused(picture(side))

    maps = attention_maps(model, picture(side))
    assert all(block.attn.fused_attn for block in model.blocks)
    assert (maps.num_prefix_tokens, maps.grid) == (num_prefix_tokens, (4, 4))
    among = maps.among_picture_tokens()
    assert among.names == ("blocks.0.attn", "blocks.1.attn")
    for ours, theirs in zip(among.weights, written, strict=True):
        assert ours.shape == (2, 3, num_prefix_tokens + 16, num_prefix_tokens + 16)
        assert largest_difference(ours, theirs) <= 1e-6  # theirs is rounded on its way


@pytest.mark.parametrize(
    ("model", "num_prefix_tokens"),
    [
        (our_vit(), 1),
        (our_vit(cls=False, registers=0), 0),
        (our_vit(registers=4, positions="sincos"), 5),
        (randomise(ConvStemViT(32, 8, dim=24, depth=2, num_heads=3, cls=False)), 0),
    ],
)
def test_our_encoders_are_read_too(model, num_prefix_tokens):
    maps = attention_maps(model, picture(32))
    assert [tuple(weights.shape) for weights in maps.weights] == [
        (2, 3, num_prefix_tokens + 16, num_prefix_tokens + 16)
    ] * 2
    assert (maps.num_prefix_tokens, maps.grid) == (num_prefix_tokens, (4, 4))


@pytest.mark.parametrize("model", [our_vit(), timm_vit("vit_tiny_patch16_224", {"img_size": 32})])
def test_maps_times_values_are_what_the_fused_module_computes(model):
    attend, seen = model.blocks[0].attn, {}
    attend.qkv.register_forward_hook(lambda module, inputs, output: seen.update(qkv=output))
    attend.proj.register_forward_pre_hook(lambda module, inputs: seen.update(mixed=inputs[0]))
    with torch.no_grad():
        model(picture(32))  # the plain, fused pass
    value = seen["qkv"].unflatten(-1, (3, 3, -1))[:, :, 2].transpose(1, 2)  # (B, heads, N, d)
    mixed = seen["mixed"]
    maps = attention_maps(model, picture(32), layers=[0])
    assert largest_difference(join_heads(maps.weights[0] @ value), mixed) <= 1e-5


def test_a_wide_picture_has_a_wide_grid():
    model = our_vit(positions="sincos")
    assert attention_maps(model, torch.randn(1, 3, 16, 40)).grid == (2, 5)


def test_only_the_layers_asked_for_are_kept():
    model = our_vit()
    everything, last = attention_maps(model, picture(32)), attention_maps(model, picture(32), layers=[1])
    assert last.names == ("blocks.1.attn",)
    assert last.layers == (1,)
    # the first layer ran fused this time, so the second may differ by rounding
    assert largest_difference(last.weights[0], everything["blocks.1.attn"]) <= 1e-5


def test_the_model_is_left_as_it_was_also_after_an_error():
    model = our_vit()
    before = model(picture(32)).tokens
    attention_maps(model, picture(32))
    with pytest.raises(ValueError, match="there is no layer"):
        attention_maps(model, picture(32), layers=[9])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.equal(model(picture(32)).tokens, before)


class TinyReader(nn.Module):
    """An encoder, words that look at it, and a causal language model: three kinds of attention in one pass."""

    def __init__(self):
        super().__init__()
        self.encoder = our_vit()
        self.look = CrossAttention(24, num_heads=2)
        self.speak = MultiHeadAttention(24, num_heads=2)

    def forward(self, image, words):
        visual = self.encoder(image)
        words = words + self.look(words, visual.tokens)
        return self.speak(words, torch.ones(len(words[0]), len(words[0]), dtype=torch.bool).tril())


@pytest.mark.parametrize("words", [5, 17])  # 17 words: as many as visual tokens, so shapes alone cannot tell
def test_words_that_look_at_a_picture_and_at_each_other_are_captured_too(words):
    model = randomise(TinyReader())
    maps = attention_maps(model, picture(32), torch.randn(2, words, 24))
    assert maps.names == ("encoder.blocks.0.attn", "encoder.blocks.1.attn", "look", "speak")
    assert maps["look"].shape == (2, 2, words, 17)
    assert maps["speak"].shape == (2, 2, words, words)
    assert not maps["speak"].triu(1).any()
    for weights in maps.weights:
        assert torch.allclose(weights.sum(dim=-1), torch.ones(()))
    assert (maps.num_prefix_tokens, maps.grid) == (1, (4, 4))
    assert maps.among_picture_tokens().names == maps.names[:2]


def test_the_grid_is_known_also_when_only_the_words_attention_is_kept():
    maps = attention_maps(randomise(TinyReader()), picture(32), torch.randn(2, 5, 24), layers=[2])
    assert maps.names == ("look",)
    assert (maps.num_prefix_tokens, maps.grid) == (1, (4, 4))


def test_a_connector_alone_knows_the_grid_from_the_tokens_it_was_given():
    class Connector(nn.Module):
        def __init__(self):
            super().__init__()
            self.look = CrossAttention(24, num_heads=2)

        def forward(self, visual, words):
            return self.look(words, visual.tokens)

    visual = our_vit()(picture(32))
    maps = attention_maps(randomise(Connector()), visual, torch.randn(2, 5, 24))
    assert maps["look"].shape == (2, 2, 5, 17)
    assert (maps.num_prefix_tokens, maps.grid) == (1, (4, 4))
    with pytest.raises(ValueError, match="none of the layers look lets the picture's 17 tokens attend to each other"):
        maps.among_picture_tokens()


def test_regions_form_no_grid_and_that_is_said():
    class Regions(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix = MultiHeadAttention(24, num_heads=2)

        def forward(self, tokens):
            boxes = torch.tensor([[0.0, 0.0, 0.5, 0.7], [0.2, 0.1, 0.5, 0.5], [0.2, 0.4, 1.0, 1.0]])
            return VisualTokens(self.mix(tokens), boxes.expand(len(tokens), 3, 4))

    maps = attention_maps(randomise(Regions()), torch.randn(2, 3, 24))
    assert maps.weights[0].shape == (2, 2, 3, 3)
    with pytest.raises(ValueError, match="did not tell where its tokens lie"):
        _ = maps.grid


@pytest.mark.parametrize("need_weights", [True, False])
def test_torchs_own_attention_is_read_and_answers_as_before(need_weights):
    class Torch(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(24, 3, batch_first=True)

        def forward(self, tokens):
            self.output, self.weights = self.attend(tokens, tokens, tokens, need_weights=need_weights)
            return self.output

    model, tokens = randomise(Torch()).double(), torch.randn(2, 5, 24, dtype=torch.float64)
    plain = model(tokens), model.weights
    maps = attention_maps(model, tokens)
    assert maps["attend"].shape == (2, 3, 5, 5)
    assert largest_difference(model.output, plain[0]) <= 1e-12
    if need_weights:
        assert largest_difference(model.weights, plain[1]) <= 1e-12
        assert largest_difference(maps["attend"].mean(dim=1), plain[1]) <= 1e-12
    else:
        assert model.weights is None


def test_torchvisions_vit_is_read():
    from torchvision.models import VisionTransformer as TorchvisionViT

    model = TorchvisionViT(32, 8, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=48).eval()
    maps = attention_maps(model, picture(32))
    assert (maps.num_prefix_tokens, maps.grid) == (1, (4, 4))
    assert len(maps.among_picture_tokens().weights) == 2


def test_a_pooling_head_is_kept_but_is_not_a_map_among_tokens():
    maps = attention_maps(timm_vit("vit_base_patch16_siglip_224", {"img_size": 64}), picture(64))
    assert maps["attn_pool"].shape == (2, 3, 1, 16)
    assert maps.among_picture_tokens().names == ("blocks.0.attn", "blocks.1.attn")


class Windows(nn.Module):
    """Cuts a row of tokens in two and attends inside each half, like Swin."""

    def __init__(self):
        super().__init__()
        self.attend = MultiHeadAttention(8, num_heads=2)

    def forward(self, tokens):
        return self.attend(tokens.unflatten(1, (2, -1)).flatten(0, 1)).unflatten(0, (-1, 2)).flatten(1, 2)


def test_a_real_windowed_network_is_refused():
    import timm

    swin = timm.create_model("swin_tiny_patch4_window7_224", img_size=56, embed_dim=24, depths=(1, 1), num_heads=(1, 2))
    with pytest.raises(ValueError, match="attends inside windows, as Swin does"):
        attention_maps(swin.eval(), picture(56, batch=1))


@pytest.mark.parametrize(
    ("model", "image", "layers", "sentence"),
    [
        (nn.Conv2d(3, 4, 3).eval(), picture(32), None, "A CNN has no attention maps"),
        (our_vit(), picture(32), [2], "there is no layer 2: VisionTransformer has 2 attention layers, 0 to 1"),
        (our_vit(), picture(32), [0, -1], "cannot be counted from the end"),
        (our_vit(), picture(32), [], "expected at least one whole number"),
        (our_vit().train(), picture(32), None, r"training mode.*model.eval\(\)"),
        (Windows().eval(), torch.randn(3, 6, 8), None, "attends inside windows"),
        (our_vit(), picture(32)[0], None, r"the picture is \(3, 32, 32\); expected a tensor \(B, C, H, W\)"),
        (our_vit(), "photo.jpg", None, r"the picture is str; expected a tensor"),
    ],
)
def test_what_has_no_maps_is_refused_with_a_sentence(model, image, layers, sentence):
    with pytest.raises(ValueError, match=sentence):
        attention_maps(model, image, layers=layers)


def test_a_function_is_no_model():
    with pytest.raises(TypeError, match=r"the model is a function; expected an nn\.Module"):
        attention_maps(lambda image: image, picture(32))


def test_an_unknown_layer_name_lists_the_known_ones():
    with pytest.raises(KeyError, match=r"'attn' stands for 0 layers; .*blocks\.0\.attn, blocks\.1\.attn"):
        attention_maps(our_vit(), picture(32))["attn"]

import pytest
import timm
import torch
from support.random_weights import largest_difference, random_network
from torch import nn

from vlmteach.backbones import vit_from_timm
from vlmteach.nn.tokens import tokens_to_grid
from vlmteach.probes import attention_maps

TOLERANCE = [(torch.float32, 1e-5), (torch.float64, 1e-10)]

# name -> how timm builds it (narrower or with fewer blocks where it would be large), number of prefix tokens
MODELS = {
    "vit_tiny_patch16_224": ({}, 1),
    "vit_small_patch16_224": ({}, 1),
    "vit_small_patch14_reg4_dinov2": ({"img_size": 224}, 5),
    "vit_base_patch16_siglip_224": ({"embed_dim": 192, "num_heads": 3}, 0),
    "deit3_small_patch16_224": ({"depth": 3}, 1),
    "vit_so150m_patch16_reg4_map_256": ({"depth": 1}, 4),
}


def timm_vit(name="vit_tiny_patch16_224", depth=2, img_size=64, **options):
    """A timm ViT with random weights in every place."""
    return random_network(timm.create_model, name, depth=depth, img_size=img_size, scale=0.05, **options)


def picture(height, width, dtype=torch.float32):
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0), dtype=dtype)


@torch.no_grad()
def assert_equal_tokens(theirs, ours, size, tolerance, dtype=torch.float32):
    image = picture(*size, dtype=dtype)
    assert largest_difference(ours(image).tokens, theirs.forward_features(image)) <= tolerance


@pytest.mark.parametrize("name", MODELS)
def test_the_copy_equals_timms_model_and_so_does_a_resampled_copy(name):
    options, num_prefix_tokens = MODELS[name]
    theirs = random_network(timm.create_model, name, scale=0.05, **options)
    ours = vit_from_timm(theirs)
    assert_equal_tokens(theirs, ours, theirs.patch_embed.img_size, 1e-5)
    assert (
        ours(picture(*theirs.patch_embed.img_size)).num_prefix_tokens == num_prefix_tokens == theirs.num_prefix_tokens
    )

    patch = theirs.patch_embed.patch_size[0]
    theirs.set_input_size((9 * patch, 6 * patch))
    ours.positions.resample(9, 6)
    assert_equal_tokens(theirs, ours, (9 * patch, 6 * patch), 1e-5)


@pytest.mark.parametrize(
    ("name", "patch"),
    [("vit_tiny_patch16_224", 16), ("vit_small_patch14_reg4_dinov2", 14), ("vit_base_patch16_siglip_224", 16)],
)
def test_in_double_precision_they_agree_to_ten_digits(name, patch):
    theirs = timm_vit(name, img_size=4 * patch)
    theirs.set_input_size((3 * patch, 5 * patch))
    theirs = theirs.double()
    assert_equal_tokens(theirs, vit_from_timm(theirs), (3 * patch, 5 * patch), 1e-10, torch.float64)


@pytest.mark.parametrize("options", [{"class_token": False, "global_pool": ""}, {"pos_embed": "none"}, {"in_chans": 1}])
def test_a_vit_without_class_token_or_positions_or_colour_is_copied_too(options):
    theirs = timm_vit(**options)
    ours = vit_from_timm(theirs)
    image = picture(64, 64)[:, : options.get("in_chans", 3)]
    with torch.no_grad():
        assert largest_difference(ours(image).tokens, theirs.forward_features(image)) <= 1e-5


def test_a_model_that_resamples_as_it_goes_is_copied_at_its_own_size():
    theirs = timm_vit(dynamic_img_size=True)
    ours = vit_from_timm(theirs)
    assert_equal_tokens(theirs, ours, (64, 64), 1e-5)
    ours.positions.resample(3, 5)
    assert_equal_tokens(theirs, ours, (48, 80), 1e-5)


def test_the_copys_grid_and_boxes_are_where_timm_looks():
    theirs = timm_vit("vit_small_patch14_reg4_dinov2", img_size=(28, 56))
    ours = vit_from_timm(theirs)
    image = picture(28, 56)
    with torch.no_grad():
        (grid,) = theirs.forward_intermediates(image, indices=1, norm=True, intermediates_only=True)
        visual = ours(image)
    torch.testing.assert_close(ours.grid(image), grid, rtol=0, atol=1e-5)
    torch.testing.assert_close(tokens_to_grid(visual.boxes[:, 5:], 2, 4)[0, :, 1, 2], torch.tensor([0.5, 0.5, 1, 0.75]))


def test_attention_of_the_copy_is_timms_layer_by_layer():
    theirs = timm_vit()
    ours = vit_from_timm(theirs)
    maps = attention_maps(theirs, picture(64, 64)), attention_maps(ours, picture(64, 64))
    assert maps[0].names == maps[1].names == ("blocks.0.attn", "blocks.1.attn")
    for expected, copied in zip(maps[0].weights, maps[1].weights, strict=True):
        assert largest_difference(copied, expected) <= 1e-5


def test_the_copy_has_its_own_memory_dtype_and_mode():
    theirs = timm_vit().to(torch.bfloat16).train()
    ours = vit_from_timm(theirs)
    assert ours.training
    assert all(parameter.dtype == torch.bfloat16 for parameter in ours.parameters())
    assert all(parameter.requires_grad for parameter in ours.parameters())
    shared = {parameter.data_ptr() for parameter in theirs.parameters()}
    assert not shared & {parameter.data_ptr() for parameter in ours.parameters()}
    assert not vit_from_timm(timm_vit()).training


def test_copying_draws_no_random_numbers():
    theirs = timm_vit()
    before = torch.get_rng_state()
    vit_from_timm(theirs)
    assert torch.equal(torch.get_rng_state(), before)


def with_tanh_gelu():
    model = timm_vit(depth=1)
    model.blocks[0].mlp.act = nn.GELU(approximate="tanh")
    return model


REFUSED = {
    "a CNN": (lambda: timm.create_model("resnet18"), TypeError, "ResNet.*GridEncoder"),
    "no network": (lambda: "vit_tiny_patch16_224", TypeError, "str"),
    "rotary positions": (
        lambda: timm.create_model("vit_small_patch16_dinov3", depth=1, img_size=32),
        TypeError,
        "Eva",
    ),
    "a distillation token": (
        lambda: timm.create_model("deit_tiny_distilled_patch16_224", depth=1),
        TypeError,
        "VisionTransformerDistilled",
    ),
    "CLIP's norm before the blocks": (lambda: timm_vit("vit_base_patch16_clip_224", depth=1), ValueError, "eps"),
    "a norm before the blocks": (lambda: timm_vit(pre_norm=True, depth=1), ValueError, r"norm_pre\.weight.*bias"),
    "a norm after pooling": (lambda: timm_vit(global_pool="avg", depth=1), ValueError, "no norm at the end"),
    "norms of queries and keys": (lambda: timm_vit(qk_norm=True, depth=1), ValueError, "no place for.*k_norm"),
    "no biases": (lambda: timm_vit(qkv_bias=False, depth=1), ValueError, r"lacks .*qkv\.bias"),
    "another activation": (with_tanh_gelu, ValueError, "GELU, not the exact GELU"),
    "a gated MLP": (
        lambda: timm.create_model("vit_giant_patch14_reg4_dinov2", depth=1, embed_dim=48, num_heads=4, img_size=28),
        ValueError,
        "GluMlp",
    ),
    "norms after the branches": (
        lambda: timm_vit(block_fn=timm.models.vision_transformer.ResPostBlock, depth=1),
        ValueError,
        "ResPostBlock",
    ),
    "another attention": (lambda: timm_vit(attn_layer="diff", depth=1), ValueError, "DiffAttention"),
    "a CNN for patches": (
        lambda: timm.create_model("vit_tiny_r_s16_p8_224", depth=1, img_size=64),
        ValueError,
        "HybridEmbed",
    ),
    "oblong patches": (lambda: timm_vit(patch_size=(16, 8), depth=1), ValueError, "16 x 8, not square"),
    "pictures padded": (lambda: timm_vit(dynamic_img_pad=True, depth=1), ValueError, "dynamic_img_pad"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_represented_is_refused_with_the_reason(name):
    make, error, words = REFUSED[name]
    model = make()
    with pytest.raises(error, match=words) as caught:
        vit_from_timm(model)
    assert "timm" in str(caught.value)

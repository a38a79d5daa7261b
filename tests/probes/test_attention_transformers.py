"""ViTs of Hugging Face: the maps are those that the library itself writes down, output_attentions of the eager twin."""

import pytest
import torch
from support.random_weights import largest_difference

from vlmteach.probes import attention_maps, effective_receptive_field, measure_patchview, noise_images
from vlmteach.probes.depth import distance_by_depth

transformers = pytest.importorskip("transformers")

SMALL = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 96,
    "image_size": 56,
    "patch_size": 8,
}
# kind -> the tokens in front of the patches
KINDS = {
    "ViT": 1,
    "Dinov2": 1,
    "Dinov2WithRegisters": 5,
    "CLIPVision": 1,
    "SiglipVision": 0,
    "DeiT": 2,
    "Beit": 1,
    "DINOv3ViT": 1,
}


def network(kind, how, **options):
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SMALL | options, attn_implementation=how)
    return getattr(transformers, f"{kind}Model")(config).eval()


def pixels(height=56, width=56):
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("how", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_maps_equal_those_that_the_eager_twin_writes_down(kind, how):
    written = network(kind, "eager")(pixels(), output_attentions=True).attentions
    maps = attention_maps(network(kind, how), pixels())
    assert (maps.num_prefix_tokens, maps.grid) == (KINDS[kind], (7, 7))
    among = maps.among_picture_tokens()
    assert len(among.weights) == len(written) == 2
    for ours, theirs in zip(among.weights, written, strict=True):
        assert largest_difference(ours, theirs) <= 1e-5


def test_patches_that_do_not_tile_the_picture_leave_its_edge_out():
    maps = attention_maps(network("SiglipVision", "sdpa", image_size=60, patch_size=14), pixels(60, 60))
    assert maps.grid == (4, 4)
    assert maps.picture.share == pytest.approx((56 / 60, 56 / 60))


def test_tokens_that_no_layout_explains_are_left_without_a_grid():
    masked = network("ViTMAE", "sdpa")  # keeps a quarter of the patches, in an order of its own
    with pytest.raises(ValueError, match="did not tell where its tokens lie"):
        _ = attention_maps(masked, pixels()).grid


def test_tokens_that_are_shuffled_have_no_grid_also_when_none_is_masked():
    shuffled = network("ViTMAE", "sdpa", mask_ratio=0.0)  # all 49 patches, in another order each time
    maps = attention_maps(shuffled, pixels())
    assert maps.weights[0].shape == (2, 3, 50, 50)
    with pytest.raises(ValueError, match="or shuffles them, as ViTMAE does"):
        _ = maps.grid
    with pytest.raises(ValueError, match="ViTMAE shuffles them"):
        effective_receptive_field(shuffled, "layers.0", (0, 0), pixels())


def test_another_kernel_is_answered_with_the_word_that_helps():
    model = network("ViT", "sdpa")
    for layer in model.layers:
        layer.attention.forward = lambda hidden_states, *_, **__: (hidden_states, None)
    with pytest.raises(ValueError, match='attn_implementation="sdpa" in transformers'):
        attention_maps(model, pixels())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("how", ["sdpa", "eager"])
def test_half_precision_weights_are_float32_and_sum_to_one(how, dtype):
    for weights in attention_maps(network("Dinov2", how).to(dtype), pixels().to(dtype)).weights:
        assert weights.dtype == torch.float32
        assert (weights.sum(dim=-1) - 1).abs().max() <= 1e-5


def test_the_other_probes_find_its_blocks_and_patches():
    model, picture = network("Dinov2", "sdpa"), pixels()[:1]
    assert distance_by_depth(model, picture, noise_images(1, 56, 56)).layers == ("encoder.layer.0", "encoder.layer.1")
    heat = effective_receptive_field(model, "embeddings", (2, 5), noise_images(2, 56, 56))
    assert [(y // 8, x // 8) for y, x in (heat > 0).nonzero().tolist()] == [(2, 5)] * 64
    view = measure_patchview(None, model, torch.rand(3, 56, 56))
    assert [layer.name for layer in view.panels[0].layers] == ["encoder.layer.0.attention", "encoder.layer.1.attention"]


def test_what_a_network_returns_is_named_where_a_vector_was_expected():
    from vlmteach.probes import occlusion

    with pytest.raises(
        ValueError, match=r"BaseModelOutputWithPooling of 'last_hidden_state': shape \(1, 50, 48\).*lambda"
    ):
        occlusion(network("ViT", "sdpa"), pixels()[:1], (7, 7), 0.0)

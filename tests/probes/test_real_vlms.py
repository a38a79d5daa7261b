"""The probes on real systems: tiny ones from the library's own classes."""

import pytest
import torch
from support.random_weights import largest_difference

pytest.importorskip("transformers")

from vlmteach.backbones.real_vlms import open_vlm
from vlmteach.probes import attention_maps, occlusion, receptive_field

WORDS = torch.tensor([5, 6, 7])
# name -> (tokens in front, grid) of its encoder's maps for a picture of 112 x 168 pixels
ENCODERS = {
    "llava_1_5_7b": (1, (24, 24)),
    "pixtral_12b": (0, (7, 11)),
    "smolvlm2_500m": (0, (32, 32)),
    "blip2_opt_2_7b": (1, (16, 16)),
    "internvl3_1b": (1, (32, 32)),
}


def picture(height=112, width=168):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoders_maps_equal_those_that_its_eager_twin_writes_down(name):
    vlm, twin = open_vlm(name, "tiny"), open_vlm(name, "tiny")
    inputs = vlm.prepare(picture()).inputs
    pixels = inputs.pop("pixel_values")
    given = [pixels[0, :2]] if name == "smolvlm2_500m" else [pixels[:2], *inputs.values()]
    twin.model.set_attn_implementation("eager")
    with torch.no_grad():
        written = twin.encoder(*given, output_attentions=True).attentions
    maps = attention_maps(vlm.encoder, *given)
    assert (maps.num_prefix_tokens, maps.grid) == ENCODERS[name]
    assert len(maps.weights) == len(written) == 2
    for ours, theirs in zip(maps.weights, written, strict=True):
        assert largest_difference(ours, theirs) <= 1e-5
        assert ours.std() > 0.1 * ours.mean()  # not all alike


@pytest.mark.parametrize("name", ["llava_1_5_7b", "pixtral_12b", "qwen2_5_vl_3b", "fuyu_8b", "fastvlm_7b"])
def test_a_language_models_maps_equal_those_that_its_eager_twin_writes_down(name):
    vlm, twin = open_vlm(name, "tiny"), open_vlm(name, "tiny")
    twin.model.set_attn_implementation("eager")
    written = []
    for layer in twin.language_model.layers:
        layer.self_attn.register_forward_hook(lambda *given: written.append(given[2][1]))
    twin.reader(WORDS)(picture()[None])
    maps = attention_maps(vlm.reader(WORDS), picture()[None])
    ours = [weights for at, weights in zip(maps.names, maps.weights, strict=True) if "language_model" in at]
    assert len(ours) == len(written) == 2
    for one, other in zip(ours, written, strict=True):
        assert largest_difference(one, other) <= 1e-5


def test_words_attend_to_visual_tokens_by_cross_attention():
    vlm = open_vlm("llama_3_2_11b_vision", "tiny")
    maps = attention_maps(vlm.reader(WORDS), picture()[None], layers=(4,))
    (weights,) = maps.weights
    assert "language_model.layers.1" in maps.names[0]
    count = vlm.tokens(112, 168)
    assert weights.shape[-2:] == (5, 4 * 1025)
    assert weights[..., count:].sum() == 0  # tiles that the picture does not fill


@pytest.mark.parametrize("name", ["pixtral_12b", "qwen2_5_vl_3b", "fuyu_8b", "fastvlm_7b", "internvl3_1b"])
def test_hiding_a_part_of_the_picture_changes_the_answer(name):
    reader = open_vlm(name, "tiny").reader(WORDS)
    plain = torch.zeros(1, 3, 112, 168)
    plain[..., :56, 56:112] = picture(56, 56)
    change = occlusion(reader, plain, (2, 3), 0.0).norm(dim=-1)
    assert change[0, 1] > 1e-3
    change[0, 1] = 0
    assert change.max() == 0


def test_fastvlms_tower_is_a_cnn_until_attention_begins_and_the_layer_is_named():
    fields = receptive_field(open_vlm("fastvlm_7b").encoder.timm_model, (1024, 1024))
    assert fields["stages.2"].reach == "local"
    assert fields["stages.2"].size == (3983, 3983)  # wider than the picture before any attention
    assert fields["stages.3.downsample"].reach == "local"
    assert fields["stages.3"].reach == "global"
    assert "attention at stages.3.blocks.0.token_mixer" in str(fields["stages.3"].because)
    assert fields["final_conv"].stride == (64, 64)

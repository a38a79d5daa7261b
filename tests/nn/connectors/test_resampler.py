import pytest
import torch
from torch import nn

from vlmteach.nn import AddPositions, PerceiverResampler, VisualTokens, grid_boxes

DIM, HEADS = 8, 2


def visual_tokens(height=2, width=3):
    return VisualTokens(torch.randn(2, height * width, DIM), grid_boxes(2, height, width, like=torch.zeros(1)))


def shuffled(visual):
    order = torch.randperm(visual.tokens.shape[1])
    while torch.equal(order, torch.arange(len(order))):
        order = torch.randperm(len(order))
    return order


def test_one_layer_is_flamingos_formula():
    resampler, visual = PerceiverResampler(DIM, latents=4, depth=1, num_heads=HEADS), visual_tokens()
    layer = resampler.layers[0]
    reference = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([getattr(layer.attend, n).weight for n in "qkv"]))
        reference.in_proj_bias.copy_(torch.cat([getattr(layer.attend, n).bias for n in "qkv"]))
    reference.out_proj.load_state_dict(layer.attend.proj.state_dict())

    z = resampler.latents.expand(2, -1, -1)
    asking = layer.norm_latents(z)
    both = torch.cat([layer.norm_picture(visual.tokens), asking], dim=1)  # the keys include the latents
    z = z + reference(asking, both, both)[0]
    z = z + layer.mlp.fc2(nn.functional.gelu(layer.mlp.fc1(layer.mlp_norm(z))))
    assert torch.allclose(resampler(visual).tokens, resampler.norm(z), atol=1e-5)


@pytest.mark.parametrize(("height", "width", "latents"), [(1, 1, 3), (2, 3, 3), (5, 7, 3), (1, 2, 9)])
def test_the_number_of_latents_is_the_number_of_tokens_out(height, width, latents):
    # the last row: more latents than tokens are allowed, they repeat what is there
    out = PerceiverResampler(DIM, latents=latents, depth=2, num_heads=HEADS)(visual_tokens(height, width))
    assert out.tokens.shape == (2, latents, DIM)
    assert torch.equal(out.boxes, torch.tensor([0.0, 0, 1, 1]).expand(2, latents, 4))


def test_it_is_blind_to_order_without_positions():
    resampler, visual = PerceiverResampler(DIM, latents=4, depth=2, num_heads=HEADS), visual_tokens()
    mixed = VisualTokens(visual.tokens[:, shuffled(visual)], visual.boxes)
    assert torch.allclose(resampler(visual).tokens, resampler(mixed).tokens, atol=1e-5)


def test_it_sees_order_with_positions():
    resampler = nn.Sequential(AddPositions(), PerceiverResampler(DIM, latents=4, depth=2, num_heads=HEADS))
    visual = visual_tokens()
    mixed = VisualTokens(visual.tokens[:, shuffled(visual)], visual.boxes)
    assert not torch.allclose(resampler(visual).tokens, resampler(mixed).tokens, atol=1e-3)


@pytest.mark.parametrize(("latents", "depth"), [(0, 1), (1, 0)])
def test_nothing_to_read_with_is_refused(latents, depth):
    with pytest.raises(ValueError, match="1 or more"):
        PerceiverResampler(DIM, latents=latents, depth=depth, num_heads=HEADS)

import pytest
import torch
from torch import nn

from vlmteach.nn import QFormer, TransformerBlock, VisualTokens
from vlmteach.nn.connectors.qformer import LookingBlock

VISION, WIDTH, DIM, HEADS = 6, 8, 12, 2


def visual_tokens(count=5):
    return VisualTokens(torch.randn(2, count, VISION), torch.rand(2, count, 4))


def make(queries=3, depth=4):
    return QFormer(VISION, WIDTH, DIM, queries=queries, depth=depth, num_heads=HEADS)


def test_every_second_block_looks_at_the_picture():
    kinds = [LookingBlock, TransformerBlock, LookingBlock, TransformerBlock, LookingBlock]
    assert [type(layer) for layer in make(depth=5).layers] == kinds


def test_queries_come_out_at_the_language_models_width():
    out = make()(visual_tokens())
    assert out.tokens.shape == (2, 3, DIM)
    assert out.num_prefix_tokens == 0


def test_a_looking_block_is_torchs_decoder_layer():
    """With the same weights: self-attention, cross-attention, MLP, each after a norm (norm_first=True)."""
    block = LookingBlock(WIDTH, WIDTH, num_heads=HEADS).eval()
    reference = nn.TransformerDecoderLayer(
        WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    cross = block.cross_attention
    with torch.no_grad():
        reference.self_attn.in_proj_weight.copy_(block.self_attention.qkv.weight)
        reference.self_attn.in_proj_bias.copy_(block.self_attention.qkv.bias)
        reference.multihead_attn.in_proj_weight.copy_(torch.cat([cross.q.weight, cross.k.weight, cross.v.weight]))
        reference.multihead_attn.in_proj_bias.copy_(torch.cat([cross.q.bias, cross.k.bias, cross.v.bias]))
    for theirs, ours in [
        (reference.self_attn.out_proj, block.self_attention.proj),
        (reference.multihead_attn.out_proj, cross.proj),
        (reference.linear1, block.mlp.fc1),
        (reference.linear2, block.mlp.fc2),
        (reference.norm1, block.self_norm),
        (reference.norm2, block.cross_norm),
        (reference.norm3, block.mlp_norm),
    ]:
        theirs.load_state_dict(ours.state_dict())
    queries, tokens = torch.randn(2, 3, WIDTH), torch.randn(2, 5, WIDTH)
    assert torch.allclose(block(queries, tokens), reference(queries, tokens), atol=1e-5)


def test_it_is_blind_to_order():
    qformer, visual = make(), visual_tokens()
    mixed = VisualTokens(visual.tokens.flip(1), visual.boxes)
    assert torch.allclose(qformer(visual).tokens, qformer(mixed).tokens, atol=1e-5)


@pytest.mark.parametrize(("queries", "depth"), [(0, 1), (1, 0)])
def test_nothing_to_ask_with_is_refused(queries, depth):
    with pytest.raises(ValueError, match="1 or more"):
        make(queries, depth)

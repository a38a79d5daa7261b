import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vlmteach.nn import AttentionPool, ClsPool, MeanPool, VectorFusion, VisualTokens, grid_to_tokens, on_grid
from vlmteach.nn.connectors.vector import FUSIONS

VISION, DIM = 6, 4


def visual_tokens(count=5, num_prefix_tokens=0):
    return VisualTokens(torch.randn(2, count, VISION), torch.rand(2, count, 4), num_prefix_tokens)


def test_the_mean_leaves_prefix_tokens_out():
    visual = visual_tokens(num_prefix_tokens=2)
    pooled = MeanPool()(visual)
    assert torch.allclose(pooled.tokens[:, 0], visual.tokens[:, 2:].mean(1))
    assert torch.equal(pooled.boxes, torch.tensor([0.0, 0, 1, 1]).expand(2, 1, 4))


def test_the_mean_forgets_where_things_were():
    visual = visual_tokens()
    shuffled = VisualTokens(visual.tokens[:, torch.randperm(5)], visual.boxes)
    assert torch.allclose(MeanPool()(visual).tokens, MeanPool()(shuffled).tokens, atol=1e-5)


def test_only_prefix_tokens_leave_nothing_to_average():
    with pytest.raises(ValueError, match="only prefix tokens"):
        MeanPool()(visual_tokens(count=2, num_prefix_tokens=2))


def test_the_cls_token_is_the_vector_of_a_vit_and_a_cnn_has_none():
    visual = visual_tokens(num_prefix_tokens=2)
    assert torch.equal(ClsPool()(visual).tokens, visual.tokens[:, :1])
    with pytest.raises(ValueError, match="Use MeanPool"):
        ClsPool()(visual_tokens())


def test_the_attention_pool_reads_the_tokens_as_the_grid_they_are():
    pool, grid = AttentionPool(VISION, num_heads=2, height=3, width=5), torch.randn(2, VISION, 3, 5)
    visual = on_grid(grid_to_tokens(grid), 3, 5)
    assert torch.equal(pool(visual).tokens[:, 0], pool.pool(grid))


def test_concat_is_a_network_on_both_side_by_side():
    fusion, visual, text = VectorFusion(VISION, DIM, kind="concat"), visual_tokens(), torch.randn(2, 3, DIM)
    first, _, last = fusion.combine.mix
    v = visual.tokens.mean(1)
    expected = [last(F.gelu(first(torch.cat([v, text[:, t]], dim=-1)))) for t in range(3)]
    assert torch.allclose(fusion(visual, text), torch.stack(expected, dim=1), atol=1e-5)


def test_hadamard_is_a_product_after_tanh():
    fusion, visual, text = VectorFusion(VISION, DIM, kind="hadamard"), visual_tokens(), torch.randn(2, 3, DIM)
    part = fusion.combine
    v, q = torch.tanh(part.vision(visual.tokens.mean(1, keepdim=True))), torch.tanh(part.text(text))
    assert torch.allclose(fusion(visual, text), part.out(v * q), atol=1e-5)


def test_film_leaves_the_text_untouched_at_the_start():
    text = torch.randn(2, 3, DIM)
    assert torch.equal(VectorFusion(VISION, DIM, kind="film")(visual_tokens(), text), text)


def test_film_scales_and_shifts_once_trained():
    fusion, visual, text = VectorFusion(VISION, DIM, kind="film"), visual_tokens(), torch.randn(2, 3, DIM)
    nn.init.normal_(fusion.combine.gamma_beta.weight)
    gamma, beta = fusion.combine.gamma_beta(visual.tokens.mean(1)).split(DIM, dim=-1)
    assert torch.allclose(fusion(visual, text)[:, 1], text[:, 1] * (1 + gamma) + beta, atol=1e-5)


@pytest.mark.parametrize("kind", FUSIONS)
def test_each_word_meets_the_picture_alone(kind):
    fusion, visual, text = VectorFusion(VISION, DIM, kind=kind), visual_tokens(), torch.randn(2, 3, DIM)
    assert torch.allclose(fusion(visual, text)[:, 1:2], fusion(visual, text[:, 1:2]), atol=1e-5)


def test_one_linear_layer_on_both_sides_is_an_addition():
    """Whatever the weights: what changing the question does to the scores is the same for every picture."""
    linear = nn.Linear(VISION + DIM, 3).double()
    v, q = torch.randn(2, VISION).double(), torch.randn(2, DIM).double()
    score = lambda i, j: linear(torch.cat([v[i], q[j]]))  # noqa: E731
    assert torch.allclose(score(0, 0) - score(0, 1), score(1, 0) - score(1, 1), atol=1e-12)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'concat', 'hadamard', 'film'"):
        VectorFusion(VISION, DIM, kind="add")


def test_a_pool_that_leaves_several_tokens_is_refused():
    with pytest.raises(ValueError, match=r"the pool left has shape \(2, 5, 6\); expected \(B, 1, 6\)"):
        VectorFusion(VISION, DIM, kind="film", pool=nn.Identity())(visual_tokens(), torch.randn(2, 3, DIM))

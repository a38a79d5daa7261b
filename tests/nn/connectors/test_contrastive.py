import math

import pytest
import torch
from torch.nn import functional as F

from vlmteach.nn import DualEncoderHead, VisualTokens, contrastive_loss

LOG_SCALE = torch.tensor(math.log(1 / 0.07))


@pytest.mark.parametrize("batch", [2, 7, 64])
def test_equal_similarities_cost_exactly_ln_b(batch):
    same = torch.ones(batch, 4, dtype=torch.float64)
    assert contrastive_loss(same, same, LOG_SCALE.double()).item() == pytest.approx(math.log(batch), abs=1e-12)


def test_one_pair_has_nothing_to_confuse():
    assert contrastive_loss(torch.randn(1, 4), torch.randn(1, 4), LOG_SCALE).item() == 0


@pytest.mark.parametrize(("scale", "within"), [(5.0, 0.02), (1 / 0.07, 0.2)])
def test_random_unit_vectors_cost_ln_b_plus_half_the_variance_of_the_logits(scale, within):
    # The logits are nearly normal with variance scale² / D; the approximation is closer where that is small.
    batch, dim = 64, 64
    torch.manual_seed(0)
    log_scale = torch.tensor(math.log(scale))
    losses = [contrastive_loss(torch.randn(batch, dim), torch.randn(batch, dim), log_scale) for _ in range(100)]
    assert torch.stack(losses).mean().item() == pytest.approx(math.log(batch) + scale**2 / (2 * dim), abs=within)


def test_it_is_the_mean_of_both_directions():
    images, texts = torch.randn(5, 8), torch.randn(5, 8)
    logits = LOG_SCALE.exp() * F.cosine_similarity(images[:, None], texts[None], dim=-1)
    own = torch.arange(5)
    expected = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    assert torch.allclose(contrastive_loss(images, texts, LOG_SCALE), expected, atol=1e-5)
    assert torch.allclose(contrastive_loss(texts, images, LOG_SCALE), expected, atol=1e-5)


def test_the_scale_stops_at_one_hundred():
    images, texts = torch.randn(5, 8), torch.randn(5, 8)
    at_limit = contrastive_loss(images, texts, torch.tensor(math.log(100.0)))
    assert torch.allclose(contrastive_loss(images, texts, torch.tensor(9.0)), at_limit, rtol=1e-4)


def test_length_does_not_matter_only_direction():
    images, texts = torch.randn(5, 8), torch.randn(5, 8)
    a, b = contrastive_loss(images, texts, LOG_SCALE), contrastive_loss(images * 7, texts / 3, LOG_SCALE)
    assert torch.allclose(a, b, rtol=1e-4)


def test_the_head_maps_both_sides_to_one_space():
    head = DualEncoderHead(6, 4, 3)
    visual, text = VisualTokens(torch.randn(2, 5, 6), torch.rand(2, 5, 4)), torch.randn(2, 7, 4)
    images, texts = head(visual, text)
    assert torch.allclose(images, visual.tokens.mean(1) @ head.vision.weight.T, atol=1e-5)
    assert torch.allclose(texts, text.mean(1) @ head.text.weight.T, atol=1e-5)
    assert head.log_scale.item() == pytest.approx(math.log(1 / 0.07))


@pytest.mark.parametrize(("images", "texts"), [((3, 4), (2, 4)), ((3, 4), (3, 5)), ((4,), (4,)), ((0, 4), (0, 4))])
def test_unpaired_batches_are_refused(images, texts):
    with pytest.raises(ValueError, match="belongs to row i"):
        contrastive_loss(torch.zeros(images), torch.zeros(texts), LOG_SCALE)

import pytest
import torch
from torch.nn import functional as F

from vlmteach.nn import Prefix, VisualTokens, causal_mask, prefix_lm_mask, prefix_targets

F_, T_ = False, True


def test_nobody_looks_ahead_under_the_causal_mask():
    assert causal_mask(3).tolist() == [[T_, F_, F_], [T_, T_, F_], [T_, T_, T_]]


def test_picture_and_question_see_each_other_under_the_prefix_lm_mask():
    # two picture tokens, one question token, two answer tokens
    assert prefix_lm_mask(3, 5).tolist() == [
        [T_, T_, T_, F_, F_],
        [T_, T_, T_, F_, F_],
        [T_, T_, T_, F_, F_],
        [T_, T_, T_, T_, F_],
        [T_, T_, T_, T_, T_],
    ]


@pytest.mark.parametrize("length", [1, 2, 9])
def test_a_prefix_of_nothing_is_the_causal_mask_and_of_everything_no_mask(length):
    assert torch.equal(prefix_lm_mask(0, length), causal_mask(length))
    assert prefix_lm_mask(length, length).all()


def test_the_causal_mask_is_torchs_is_causal():
    q, k, v = torch.randn(3, 1, 2, 6, 4).unbind(0)
    ours = F.scaled_dot_product_attention(q, k, v, attn_mask=causal_mask(6))
    assert torch.allclose(ours, F.scaled_dot_product_attention(q, k, v, is_causal=True), atol=1e-5)


def test_picture_tokens_stand_in_front_of_the_words():
    visual, text = VisualTokens(torch.randn(2, 3, 4), torch.rand(2, 3, 4)), torch.randn(2, 5, 4)
    joined = Prefix()(visual, text)
    assert torch.equal(joined[:, :3], visual.tokens)
    assert torch.equal(joined[:, 3:], text)


def test_nothing_in_it_is_learned_and_nothing_limits_how_many_tokens_stand_in_front():
    visual, text = (
        VisualTokens(torch.randn(1, 5000, 4), torch.rand(1, 5000, 4), num_prefix_tokens=1),
        torch.randn(1, 5, 4),
    )
    assert list(Prefix().parameters()) == []
    assert Prefix()(visual, text).shape == (1, 5005, 4)


def test_no_loss_is_taken_on_picture_tokens():
    targets = torch.tensor([[4, 2], [0, 1]])
    assert prefix_targets(targets, 3).tolist() == [[-100, -100, -100, 4, 2], [-100, -100, -100, 0, 1]]
    logits = torch.randn(2, 5, 6)
    with_prefix = F.cross_entropy(logits.flatten(0, 1), prefix_targets(targets, 3).flatten())
    assert torch.allclose(with_prefix, F.cross_entropy(logits[:, 3:].flatten(0, 1), targets.flatten()))


VISUAL = VisualTokens(torch.zeros(1, 3, 4), torch.zeros(1, 3, 4))
BAD = {
    "narrower than the text": (lambda: Prefix()(VISUAL, torch.zeros(1, 2, 5)), ValueError, "Projector"),
    "more texts than pictures": (
        lambda: Prefix()(VISUAL, torch.zeros(2, 2, 4)),
        ValueError,
        r"\(2, 2, 4\); expected \(1, T",
    ),
    "a list for a text": (lambda: Prefix()(VISUAL, [[0.0]]), TypeError, "the text is a list; expected a torch tensor"),
    "a tensor for a picture": (lambda: Prefix()(torch.zeros(1, 3, 4), torch.zeros(1, 2, 4)), TypeError, "VisualTokens"),
    "no sequence": (lambda: causal_mask(0), ValueError, "length is 0"),
    "prefix beyond the end": (lambda: prefix_lm_mask(4, 3), ValueError, "prefix is 4"),
    "probabilities as targets": (lambda: prefix_targets(torch.zeros(1, 2), 3), TypeError, "word numbers"),
    "targets without batch": (lambda: prefix_targets(torch.zeros(2, dtype=torch.long), 3), ValueError, r"\(B, T\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_a_sentence(name):
    make, error, words = BAD[name]
    with pytest.raises(error, match=words):
        make()

import pytest
import torch
from torch import nn

from vlmteach.nn import CrossAttentionConnector, GatedCrossAttention, VisualTokens

VISION, DIM, HEADS = 6, 8, 2


def visual_tokens(count=5):
    return VisualTokens(torch.randn(2, count, VISION), torch.rand(2, count, 4))


def torchs_attention(ours):
    """nn.MultiheadAttention with the weights of our CrossAttention."""
    reference = nn.MultiheadAttention(DIM, HEADS, kdim=VISION, vdim=VISION, batch_first=True)
    with torch.no_grad():
        for name in ("q", "k", "v"):
            getattr(reference, f"{name}_proj_weight").copy_(getattr(ours, name).weight)
        reference.in_proj_bias.copy_(torch.cat([ours.q.bias, ours.k.bias, ours.v.bias]))
    reference.out_proj.load_state_dict(ours.proj.state_dict())
    return lambda q, kv: reference(q, kv, kv, need_weights=False)[0]


def test_the_text_asks_and_the_picture_answers():
    connector, visual, text = (
        CrossAttentionConnector(VISION, DIM, num_heads=HEADS),
        visual_tokens(),
        torch.randn(2, 3, DIM),
    )
    expected = text + torchs_attention(connector.attend)(connector.norm(text), visual.tokens)
    assert torch.allclose(connector(visual, text), expected, atol=1e-5)


def test_flamingos_layer_with_open_gates():
    layer, visual, text = GatedCrossAttention(VISION, DIM, num_heads=HEADS), visual_tokens(), torch.randn(2, 3, DIM)
    nn.init.constant_(layer.gate, 0.7)
    nn.init.constant_(layer.mlp_gate, -0.3)
    attend = torchs_attention(layer.attend)
    expected = text + torch.tanh(torch.tensor(0.7)) * attend(layer.norm(text), visual.tokens)
    mlp = layer.mlp.fc2(nn.functional.gelu(layer.mlp.fc1(layer.mlp_norm(expected))))
    expected = expected + torch.tanh(torch.tensor(-0.3)) * mlp
    assert torch.allclose(layer(visual, text), expected, atol=1e-5)


def test_closed_gates_leave_the_text_untouched():
    text = torch.randn(2, 3, DIM)
    assert torch.equal(GatedCrossAttention(VISION, DIM, num_heads=HEADS)(visual_tokens(), text), text)


def gradients(layer):
    text = torch.randn(2, 3, DIM, requires_grad=True)
    (layer(visual_tokens(), text) * torch.randn(2, 3, DIM)).sum().backward()
    return {name: parameter.grad.abs().max().item() for name, parameter in layer.named_parameters()}


def test_at_step_zero_only_the_gates_get_a_gradient():
    moved = {name for name, size in gradients(GatedCrossAttention(VISION, DIM, num_heads=HEADS)).items() if size > 0}
    assert moved == {"gate", "mlp_gate"}


def test_once_a_gate_has_moved_everything_learns():
    layer = GatedCrossAttention(VISION, DIM, num_heads=HEADS)
    nn.init.constant_(layer.gate, 0.1)
    nn.init.constant_(layer.mlp_gate, 0.1)
    still = {name for name, size in gradients(layer).items() if size < 1e-8}
    assert still <= {"attend.k.bias"}  # softmax ignores what is added to every score


def test_a_zero_output_projection_behind_a_zero_gate_is_dead_for_ever():
    layer = GatedCrossAttention(VISION, DIM, num_heads=HEADS)
    nn.init.zeros_(layer.attend.proj.weight)
    nn.init.zeros_(layer.attend.proj.bias)
    for _ in range(3):
        layer.zero_grad()
        grads = gradients(layer)
        assert grads["gate"] == 0
        assert all(size == 0 for name, size in grads.items() if name.startswith("attend."))
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter -= parameter.grad
    assert layer.gate.item() == 0


@pytest.mark.parametrize("four_axes", [False, True])
def test_a_word_that_may_look_at_nothing_comes_out_as_it_went_in(four_axes):
    connector, text = CrossAttentionConnector(VISION, DIM, num_heads=HEADS), torch.randn(2, 3, DIM, requires_grad=True)
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1] = False
    out = connector(visual_tokens(), text, mask.expand(2, 1, -1, -1) if four_axes else mask)
    assert torch.equal(out[:, 1], text[:, 1])
    assert not torch.allclose(out[:, 0], text[:, 0])
    out.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in connector.parameters())


def test_the_mask_says_which_visual_tokens_a_word_sees():
    connector, visual, text = (
        CrossAttentionConnector(VISION, DIM, num_heads=HEADS),
        visual_tokens(),
        torch.randn(2, 3, DIM),
    )
    mask = torch.tensor([[True, True, False, False, False]]).expand(3, -1)
    only_two = VisualTokens(visual.tokens[:, :2], visual.boxes[:, :2])
    assert torch.allclose(connector(visual, text, mask), connector(only_two, text), atol=1e-5)


@pytest.mark.parametrize("connector", [CrossAttentionConnector, GatedCrossAttention])
@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        (torch.ones(3, 5), TypeError, "True = may attend"),
        (torch.ones(5, 3, dtype=torch.bool), ValueError, "queries, keys"),
        (torch.ones(2, 3, 5, dtype=torch.bool), ValueError, "axis for the heads"),
    ],
)
def test_wrong_masks_are_refused_with_a_sentence(connector, mask, error, words):
    with pytest.raises(error, match=words):
        connector(VISION, DIM, num_heads=HEADS)(visual_tokens(), torch.randn(2, 3, DIM), mask)

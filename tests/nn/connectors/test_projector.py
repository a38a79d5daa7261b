import pytest
import torch
from torch import nn

from vlmteach.nn import Projector, VisualTokens, grid_boxes


def visual_tokens(count=6, dim=5, batch=2):
    return VisualTokens(torch.randn(batch, count, dim), grid_boxes(batch, 1, count, like=torch.zeros(1)))


def test_one_layer_is_a_linear_map_of_each_token():
    projector, visual = Projector(5, 8), visual_tokens()
    linear = projector.map[0]
    assert torch.allclose(projector(visual).tokens[1, 3], linear.weight @ visual.tokens[1, 3] + linear.bias, atol=1e-5)


def test_two_layers_are_llavas_linear_gelu_linear():
    projector, visual = Projector(5, 8, depth=2), visual_tokens()
    reference = nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.Linear(8, 8))
    reference.load_state_dict(projector.map.state_dict())
    assert torch.equal(projector(visual).tokens, reference(visual.tokens))


def test_a_token_never_hears_of_its_neighbours():
    projector, visual = Projector(5, 8, depth=2), visual_tokens()
    alone = VisualTokens(visual.tokens[:, 2:3], visual.boxes[:, 2:3])
    assert torch.allclose(projector(visual).tokens[:, 2:3], projector(alone).tokens, atol=1e-5)


def test_boxes_and_prefix_pass_through():
    visual = VisualTokens(torch.randn(1, 3, 5), torch.rand(1, 3, 4), num_prefix_tokens=1)
    out = Projector(5, 8)(visual)
    assert torch.equal(out.boxes, visual.boxes)
    assert out.num_prefix_tokens == 1


def test_no_layer_at_all_is_refused():
    with pytest.raises(ValueError, match="depth is 0"):
        Projector(5, 8, depth=0)

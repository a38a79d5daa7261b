"""Attention that compares nothing: linear attention has no map, learned pooling and attention by agents have one."""

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import nn

from vlmteach.probes import attention_maps

WIDTH, HEADS = 64, 2
CHANNELS = WIDTH // HEADS
NO_MAP = "takes a softmax of queries or keys alone and sums over channels"


class Layer(nn.Module):
    """Queries, keys and values (B, heads, N, channels), and what is done with them."""

    def __init__(self, step):
        super().__init__()
        torch.manual_seed(0)
        self.qkv, self.step = nn.Linear(WIDTH, 3 * WIDTH), step
        self.eval()

    def forward(self, tokens):
        query, key, value = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.qkv(tokens).chunk(3, dim=-1)
        )
        return self.step(query, key, value).transpose(1, 2).flatten(2)


def turned(query, key, value):
    """With tokens in the last axis, as a convolution leaves them."""
    context = torch.einsum("bhdn,bhen->bhde", key.mT.softmax(dim=-1), value.mT)
    return torch.einsum("bhde,bhdn->bhen", context, query.mT.softmax(dim=-2)).mT


LINEAR = {
    "efficient attention": lambda q, k, v: q.softmax(dim=-1) @ (k.softmax(dim=-2).mT @ v),
    "scaled": lambda q, k, v: (q.softmax(dim=-1) * CHANNELS**-0.5) @ (k.softmax(dim=-2).mT @ v / 7),
    "tokens last": turned,
    "a lambda": lambda q, k, v: q @ (k.mT.softmax(dim=-1) @ v),
    "a lambda, by an equation": lambda q, k, v: torch.einsum("bhnk,bhkv->bhnv", q, k.mT.softmax(dim=-1) @ v),
}


@pytest.mark.parametrize("tokens", [49, CHANNELS, WIDTH])
@pytest.mark.parametrize("pictures", [1, 3])
@pytest.mark.parametrize("name", LINEAR)
def test_a_softmax_over_channels_is_no_map(name, pictures, tokens):
    with pytest.raises(ValueError, match=NO_MAP):
        attention_maps(Layer(LINEAR[name]), torch.randn(pictures, tokens, WIDTH))


@pytest.mark.parametrize("layer", [0, 1])
def test_of_two_softmaxes_that_compare_nothing_neither_is_a_map(layer):
    # with as many tokens as channels, keys and queries both look like weights
    with pytest.raises(ValueError, match=NO_MAP):
        attention_maps(Layer(LINEAR["efficient attention"]), torch.randn(1, CHANNELS, WIDTH), layers=[layer])


def test_lambda_layers_have_no_map():
    with pytest.raises(ValueError, match=rf"stages\.2\.1\.self_attn {NO_MAP}"):
        attention_maps(timm.create_model("lambda_resnet26t").eval(), torch.randn(1, 3, 128, 128))


def test_beside_linear_attention_the_other_layers_are_shown():
    model = nn.Sequential(Layer(LINEAR["a lambda"]), Layer(F.scaled_dot_product_attention)).eval()
    tokens = torch.randn(1, 49, WIDTH)
    assert attention_maps(model, tokens, layers=[1]).weights[0].shape == (1, HEADS, 49, 49)
    with pytest.raises(ValueError, match=f"0 {NO_MAP}"):
        attention_maps(model, tokens)


class Pool(nn.Module):
    """TokenLearner's: each of four learned scores takes a share of every token."""

    def __init__(self):
        super().__init__()
        self.scores, self.head = nn.Linear(WIDTH, 4), nn.Linear(WIDTH, 3)

    def forward(self, tokens):
        self.shares = self.scores(tokens).mT.softmax(dim=-1)
        return self.head(self.shares @ tokens)


def by_agents(query, key, value):
    """Arxiv 2312.08874: a few means of the queries gather, and every token asks them."""
    agents = query.unflatten(2, (7, -1)).mean(dim=2)
    return (query @ agents.mT).softmax(dim=-1) @ ((agents @ key.mT).softmax(dim=-1) @ value)


def bare(query, key, value):
    return (query @ key.mT).softmax(dim=-1) @ value


@pytest.mark.parametrize("before", [[], [Layer(bare)], [Layer(bare), Layer(by_agents)]], ids=len)
def test_learned_pooling_is_a_map_over_tokens_whatever_came_before(before):
    pool = Pool()
    maps = attention_maps(nn.Sequential(*before, pool).eval(), torch.randn(2, 49, WIDTH))
    assert torch.equal(maps.weights[-1][:, 0], pool.shares)


def test_pooled_tokens_may_be_compared_with_words():
    class Scores(nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = nn.Linear(WIDTH, 1)

        def forward(self, tokens):
            pooled = self.scores(tokens).mT.softmax(dim=-1) @ tokens
            return F.normalize(pooled, dim=-1) @ torch.ones(2, WIDTH, 5)

    assert attention_maps(Scores().eval(), torch.randn(2, 49, WIDTH)).weights[0].shape == (2, 1, 1, 49)


def test_attention_by_agents_keeps_both_its_maps():
    maps = attention_maps(Layer(by_agents), torch.randn(2, 49, WIDTH))
    assert [tuple(weights.shape) for weights in maps.weights] == [(2, HEADS, 7, 49), (2, HEADS, 49, 7)]

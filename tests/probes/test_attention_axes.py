"""Attention of any shape: the oracle is the same attention worked out by hand, head by head."""

import pytest
import timm
import torch
import torch.nn.functional as F
from support.random_weights import largest_difference, randomise
from torch import nn

from vlmteach.probes import attention_maps

HEADS, WIDTH = 4, 16
TOKENS = torch.randn(3, 7, WIDTH, generator=torch.Generator().manual_seed(2))  # 3 pictures of 7 tokens


class Attention(nn.Module):
    """One layer, its heads laid out and its step computed in one of the ways that people do."""

    def __init__(self, step, fold, unfold, heads=HEADS):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.step, self.fold, self.unfold, self.heads = step, fold, unfold, heads

    def forward(self, tokens):
        query, key, value = (self.fold(part, self.heads) for part in self.qkv(tokens).chunk(3, dim=-1))
        return self.unfold(self.step(query, key, value), self.heads)


def by_hand(tokens=TOKENS, heads=HEADS):
    query, key, _ = network("fused", "an axis of their own", heads).qkv(tokens).chunk(3, dim=-1)
    query, key = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (query, key))
    return (query @ key.mT * query.shape[-1] ** -0.5).softmax(dim=-1).detach()


def scaled(query):
    return query * query.shape[-1] ** -0.5


STEPS = {
    "fused": F.scaled_dot_product_attention,
    "at sign": lambda q, k, v: (scaled(q) @ k.mT).softmax(dim=-1) @ v,
    "module": lambda q, k, v: nn.Softmax(dim=-1)(scaled(q) @ k.mT).matmul(v),
    "dropout between": lambda q, k, v: F.dropout(F.softmax(scaled(q) @ k.mT, -1), 0.5, training=False) @ v,
    "in place afterwards": lambda q, k, v: mixed_then_overwritten((scaled(q) @ k.mT).softmax(dim=-1), v),
    "values first": lambda q, k, v: (v.mT @ F.softmax(scaled(q) @ k.mT, dim=-1).mT).mT,
    "einsum": lambda q, k, v: torch.einsum(
        "...ij, ...jd -> ...id", torch.einsum("...id,...jd->...ij", scaled(q), k).softmax(dim=-1), v
    ),
}
THREE_AXES = {
    "bmm": lambda q, k, v: torch.bmm(F.softmax(torch.bmm(scaled(q), k.transpose(1, 2)), dim=-1), v),
    "baddbmm": lambda q, k, v: torch.baddbmm(
        torch.zeros_like(q), torch.baddbmm(torch.zeros(()), scaled(q), k.mT).softmax(dim=-1), v
    ),
}
FOLDS = {
    "an axis of their own": (
        lambda x, h: x.unflatten(-1, (h, -1)).transpose(1, 2),
        lambda x, h: x.transpose(1, 2).flatten(2),
    ),
    "with the pictures, picture by picture": (
        lambda x, h: x.unflatten(-1, (h, -1)).transpose(1, 2).flatten(0, 1),
        lambda x, h: x.unflatten(0, (-1, h)).transpose(1, 2).flatten(2),
    ),
    "with the pictures, head by head": (
        lambda x, h: torch.cat(x.chunk(h, dim=-1)),
        lambda x, h: torch.cat(x.chunk(h), dim=-1),
    ),
}


def mixed_then_overwritten(weights, value):
    mixed = weights @ value
    weights.zero_()
    return mixed


def network(step, fold, heads=HEADS):
    torch.manual_seed(1)
    return Attention((STEPS | THREE_AXES)[step], *FOLDS[fold], heads).eval()


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("step", STEPS | THREE_AXES)
@pytest.mark.parametrize("pictures", [1, 3])
def test_heads_are_found_however_they_are_laid_out_and_mixed(step, fold, pictures):
    if step in THREE_AXES and fold == "an axis of their own":
        pytest.skip("bmm takes three axes")
    model, tokens = network(step, fold), TOKENS[:pictures]
    plain = model(tokens)
    maps = attention_maps(model, tokens)
    assert [tuple(weights.shape) for weights in maps.weights] == [(pictures, HEADS, 7, 7)]
    assert largest_difference(maps.weights[0], by_hand(tokens)) <= 1e-5
    assert torch.equal(model(tokens), plain)


@pytest.mark.parametrize("step", STEPS | THREE_AXES)
def test_one_head_needs_no_axis(step):
    torch.manual_seed(1)
    model = Attention((STEPS | THREE_AXES)[step], lambda x, h: x, lambda x, h: x, heads=1).eval()
    maps = attention_maps(model, TOKENS)
    assert largest_difference(maps.weights[0], by_hand(heads=1)) <= 1e-5


def test_an_equation_may_name_its_axes_in_any_order():
    class HeadsLast(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = network("fused", "an axis of their own").qkv

        def forward(self, tokens):
            query, key, value = (part.unflatten(-1, (HEADS, -1)) for part in self.qkv(tokens).chunk(3, dim=-1))
            weights = torch.einsum("bihd,bjhd->bijh", scaled(query), key).softmax(dim=2)
            return torch.einsum("bijh,bjhd->bihd", weights, value).flatten(2)

    assert largest_difference(attention_maps(HeadsLast().eval(), TOKENS).weights[0], by_hand()) <= 1e-5


@pytest.mark.parametrize("fold", list(FOLDS)[1:])
def test_pictures_that_cannot_be_told_apart_are_asked_for_one_by_one(fold):
    numbers = torch.randint(0, 9, (3, 7), generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Embedding(9, WIDTH), network("bmm", fold)).eval()
    with pytest.raises(ValueError, match="pass one picture at a time"):
        attention_maps(model, numbers)
    assert attention_maps(model, numbers[:1]).weights[0].shape == (1, HEADS, 7, 7)


def test_a_single_sequence_without_a_batch_is_one_picture():
    block = randomise(nn.MultiheadAttention(WIDTH, HEADS))
    model = Calls(block, need_weights=False)
    expected = block(TOKENS[0], TOKENS[0], TOKENS[0], average_attn_weights=False)[1]
    assert largest_difference(attention_maps(model, TOKENS[0]).weights[0][0], expected.detach()) <= 1e-5


class Calls(nn.Module):
    """Calls torch's own block with these options, and keeps what it answered."""

    def __init__(self, block, **options):
        super().__init__()
        self.block, self.options = block, options
        self.eval()

    def forward(self, query, context=None, **more):
        context = query if context is None else context
        self.answer = self.block(query, context, context, **self.options, **more)
        return self.answer[0]


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("average", [True, False])
def test_torchs_block_is_read_in_both_orders_and_answers_as_before(batch_first, need_weights, average):
    block = randomise(nn.MultiheadAttention(WIDTH, HEADS, batch_first=batch_first)).double()
    tokens, context = TOKENS.double(), torch.cat([TOKENS, TOKENS], dim=1).double()
    if not batch_first:
        tokens, context = tokens.transpose(0, 1), context.transpose(0, 1)
    model = Calls(block, need_weights=need_weights, average_attn_weights=average)
    model(tokens, context)
    plain = model.answer
    maps = attention_maps(model, tokens, context)
    expected = block(tokens, context, context, average_attn_weights=False)[1].detach()
    assert maps.weights[0].shape == (3, HEADS, 7, 14)
    assert largest_difference(maps.weights[0], expected) <= 1e-12
    assert torch.equal(model.answer[0], plain[0])
    assert (plain[1] is None and model.answer[1] is None) or torch.equal(model.answer[1], plain[1])


def test_clips_call_of_torchs_function_is_read():
    # openai/CLIP, model.py: the pool calls the function itself, with the mean cell as the only query
    class Pool(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.c = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

        def forward(self, cells):
            cells = cells.permute(1, 0, 2)
            bias = torch.cat([part.bias for part in (self.q, self.k, self.v)])
            return F.multi_head_attention_forward(
                cells[:1], cells, cells, WIDTH, HEADS, None, bias, None, None, False, 0.0, self.c.weight, self.c.bias,
                False, None, False, None, True, self.q.weight, self.k.weight, self.v.weight,
            )[0]  # fmt: skip

    model = randomise(Pool())
    query = model.q(TOKENS[:, :1]).unflatten(-1, (HEADS, -1)).transpose(1, 2)
    key = model.k(TOKENS).unflatten(-1, (HEADS, -1)).transpose(1, 2)
    expected = (scaled(query) @ key.mT).softmax(dim=-1).detach()
    assert largest_difference(attention_maps(model, TOKENS).weights[0], expected) <= 1e-5


def transformer(batch_first, layers=3):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, 0.0, batch_first=batch_first)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=batch_first).eval()


@pytest.mark.parametrize("batch_first", [True, False])
def test_the_fast_path_of_torchs_transformer_hides_no_layer(batch_first):
    # pytorch/pytorch#128413: in eval mode torch runs whole layers in one kernel that calls nothing
    encoder = transformer(batch_first)
    tokens = TOKENS if batch_first else TOKENS.transpose(0, 1)
    written, hidden = [], tokens
    with torch.no_grad():
        for layer in encoder.layers:
            written.append(layer.self_attn(hidden, hidden, hidden, average_attn_weights=False)[1])
            hidden = layer(hidden)
    maps = attention_maps(encoder, tokens)
    assert maps.names == ("layers.0.self_attn", "layers.1.self_attn", "layers.2.self_attn")
    for ours, theirs in zip(maps.weights, written, strict=True):
        assert largest_difference(ours, theirs) <= 1e-5


@pytest.mark.parametrize("padded", [1, 2, 7])
def test_padding_gets_no_weight_and_takes_no_column_away(padded):
    padding = torch.zeros(3, 7, dtype=torch.bool)
    padding[:, 7 - padded :] = True
    for weights in attention_maps(transformer(True), TOKENS, None, padding).weights:
        assert weights.shape == (3, HEADS, 7, 7)
        assert not weights[..., 7 - padded :].any()
        if padded < 7:
            assert largest_difference(weights.sum(dim=-1), torch.ones(3, HEADS, 7)) <= 1e-5


@pytest.mark.parametrize("step", ["fused", "at sign"])
def test_masks_and_shared_key_heads_are_followed(step):
    class Language(nn.Module):
        def forward(self, tokens):
            query = tokens.unflatten(-1, (4, -1)).transpose(1, 2)
            key = tokens[..., :8].unflatten(-1, (2, -1)).transpose(1, 2)  # two key heads for four query heads
            if step == "fused":
                return F.scaled_dot_product_attention(query, key, key, is_causal=True, enable_gqa=True)
            key = key.repeat_interleave(2, dim=1)
            later = torch.ones(7, 7, dtype=torch.bool).triu(1)
            return (scaled(query) @ key.mT).masked_fill(later, -torch.inf).softmax(dim=-1) @ key

    query = TOKENS.unflatten(-1, (4, -1)).transpose(1, 2)
    key = TOKENS[..., :8].unflatten(-1, (2, -1)).transpose(1, 2)[:, [0, 0, 1, 1]]
    later = torch.ones(7, 7, dtype=torch.bool).triu(1)
    expected = (scaled(query) @ key.mT).masked_fill(later, -torch.inf).softmax(dim=-1)
    assert largest_difference(attention_maps(Language().eval(), TOKENS).weights[0], expected) <= 1e-5


def test_a_row_that_may_see_nothing_is_zero_also_in_the_open():
    class Masked(nn.Module):
        def forward(self, tokens):
            scores = (tokens @ tokens.mT).index_fill(1, torch.tensor(2), -torch.inf)
            return scores.softmax(dim=-1).nan_to_num(0.0) @ tokens

    weights = attention_maps(Masked().eval(), TOKENS).weights[0]
    assert not weights[:, :, 2].any()
    assert torch.allclose(weights.sum(dim=-1).sum(dim=-1), torch.tensor(6.0))


# windows


def tiny_swin(fused):
    swin = timm.create_model(
        "swin_tiny_patch4_window7_224", img_size=56, embed_dim=24, depths=(1, 2), num_heads=(1, 2)
    ).eval()
    for module in swin.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = fused
    return swin


@pytest.mark.parametrize("fused", [True, False])
def test_a_window_over_the_whole_map_is_a_map_over_the_picture(fused):
    picture = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    maps = attention_maps(randomise(tiny_swin(fused), scale=0.05), picture, layers=[1, 2])
    assert [tuple(weights.shape) for weights in maps.weights] == [(2, 2, 49, 49)] * 2
    assert maps.layers == (1, 2)
    if not fused:
        fused_maps = attention_maps(randomise(tiny_swin(True), scale=0.05), picture, layers=[1, 2])
        assert largest_difference(maps.weights[0], fused_maps.weights[0]) <= 1e-5


@pytest.mark.parametrize("layers", [None, [0], [0, 1]])
@pytest.mark.parametrize("fused", [True, False])
def test_windows_that_were_asked_for_are_refused(layers, fused):
    with pytest.raises(ValueError, match=r"layers\.0\.blocks\.0\.attn made weights of shape \(8, 1, 49, 49\).*windows"):
        attention_maps(tiny_swin(fused), torch.randn(2, 3, 56, 56), layers=layers)


class Windows(nn.Module):
    """Cuts a row of six tokens in two and attends in each half."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def forward(self, tokens):
        return self.step(tokens)


def halves(tokens):
    return tokens.unflatten(1, (2, 3))


WINDOWS = {
    "one head, folded": lambda t: F.scaled_dot_product_attention(*[halves(t).flatten(0, 1)] * 3),
    "one head, an axis of windows": lambda t: F.scaled_dot_product_attention(*[halves(t)] * 3),
    "heads, an axis of windows": lambda t: F.scaled_dot_product_attention(
        *[halves(t).unflatten(-1, (4, -1)).transpose(2, 3)] * 3
    ),
    "one head, folded, with fewer queries": lambda t: F.scaled_dot_product_attention(
        halves(t).flatten(0, 1)[:, :1], *[halves(t).flatten(0, 1)] * 2
    ),
    "in the open": lambda t: (halves(t) @ halves(t).mT).softmax(dim=-1) @ halves(t),
    "folded, in the open": lambda t: torch.bmm(
        torch.bmm(halves(t).flatten(0, 1), halves(t).flatten(0, 1).mT).softmax(dim=-1), halves(t).flatten(0, 1)
    ),
}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("pictures", [1, 2])
def test_windows_are_not_taken_for_heads(name, pictures):
    with pytest.raises(ValueError, match="attends inside windows"):
        attention_maps(Windows(WINDOWS[name]).eval(), torch.randn(pictures, 6, WIDTH))


def test_one_unit_over_all_of_hieras_map_is_global():
    heads_then_unit = lambda t: t.unflatten(-1, (4, -1)).transpose(1, 2)[:, :, None]  # noqa: E731
    model = Windows(lambda t: F.scaled_dot_product_attention(*[heads_then_unit(t)] * 3)).eval()
    assert attention_maps(model, TOKENS).weights[0].shape == (3, 4, 7, 7)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("xcit_nano_12_p16_224", "among the 32 channels of each head, not among its 196 tokens"),
        ("edgenext_xx_small", "among the 12 channels of each head"),
        ("cait_xxs24_224", "changes its weights between the softmax and the values"),
        ("hiera_tiny_224", "attends inside windows"),
        ("resnest14d", "computed no attention that torch shows"),
    ],
)
def test_what_is_no_map_over_the_picture_is_named(name, sentence):
    model = timm.create_model(name).eval()
    with pytest.raises(ValueError, match=sentence):
        attention_maps(model, torch.rand(1, 3, *model.default_cfg["input_size"][1:]))


def test_of_a_network_with_talking_heads_the_other_layers_are_shown():
    maps = attention_maps(timm.create_model("cait_xxs24_224").eval(), torch.rand(1, 3, 224, 224), layers=[24, 25])
    assert [tuple(weights.shape) for weights in maps.weights] == [(1, 4, 1, 197)] * 2


def test_unfused_layers_are_counted_beside_fused_ones():
    def vit(fused):
        model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=3, embed_dim=48, num_heads=3)
        model.blocks[1].attn.fused_attn = fused
        return randomise(model, scale=0.05)

    picture = torch.randn(2, 3, 32, 32)
    expected, maps = (attention_maps(vit(fused), picture) for fused in (True, False))
    assert maps.names == expected.names
    for ours, theirs in zip(maps.weights, expected.weights, strict=True):
        assert largest_difference(ours, theirs) <= 1e-5
    assert attention_maps(vit(False), picture, layers=[1]).names == ("blocks.1.attn",)


# where the tokens lie


SMALL = {"depth": 2, "embed_dim": 96, "num_heads": 3}


@pytest.mark.parametrize(
    ("name", "options", "size", "num_prefix_tokens", "grid"),
    [
        ("naflexvit_base_patch16_gap", {}, (48, 80), 4, (3, 5)),
        ("vit_so400m_patch14_siglip_384", {"mlp_ratio": 2}, (384, 384), 0, (27, 27)),
        ("vit_tiny_patch16_224", {"dynamic_img_size": True, "dynamic_img_pad": True}, (30, 50), 1, (2, 4)),
        ("vit_small_patch16_dinov3", {"dynamic_img_size": True}, (48, 80), 5, (3, 5)),
        ("eva02_tiny_patch14_224", {"dynamic_img_size": True}, (42, 70), 1, (3, 5)),
        ("vit_small_patch14_reg4_dinov2", {"img_size": 56, "dynamic_img_size": True}, (56, 84), 5, (4, 6)),
    ],
)
def test_prefix_and_grid_are_known_for_every_size(name, options, size, num_prefix_tokens, grid):
    maps = attention_maps(timm.create_model(name, **SMALL, **options).eval(), torch.randn(2, 3, *size), layers=[0, 1])
    assert (maps.num_prefix_tokens, maps.grid) == (num_prefix_tokens, grid)
    assert maps.weights[0].shape[-1] == num_prefix_tokens + grid[0] * grid[1]

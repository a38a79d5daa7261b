import pytest
import timm
import torch
from support.random_weights import randomise
from timm.models.swin_transformer import SwinTransformer
from torch import nn

from vlmteach.backbones import TimmViT
from vlmteach.nn import DropPrefixTokens
from vlmteach.probes import attention_maps, effective_receptive_field, noise_images


def tiny(name="test_vit", **options):
    return randomise(timm.create_model(name, **options), scale=0.05)


def tiny_swin():
    return SwinTransformer(32, window_size=4, embed_dim=12, depths=(1, 1), num_heads=(1, 1))


def picture(height, width):
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_a_token_is_the_patch_at_its_place():
    model = tiny(dynamic_img_size=True)
    model.blocks, model.pos_embed = nn.Sequential(), None  # without attention and positions a token sees its patch only
    ours = TimmViT(model)
    image = picture(48, 80)
    before, num_prefix_tokens = ours(image), ours(image).num_prefix_tokens
    image[:, :, 16:32, 48:64] += 1  # row 1, column 3 of 3 x 5
    moved = (ours(image).tokens - before.tokens).abs().amax(dim=(0, 2)).nonzero().flatten().tolist()
    assert moved == [num_prefix_tokens + 1 * 5 + 3]
    assert before.boxes[0, moved[0]].tolist() == pytest.approx([1 / 3, 3 / 5, 2 / 3, 4 / 5])
    assert ours.grid(image).shape == (1, before.tokens.shape[2], 3, 5)


@torch.no_grad()
def test_rotary_vits_are_taken_too():
    model = randomise(timm.create_model("vit_small_patch16_dinov3", depth=2, dynamic_img_size=True), scale=0.05)
    image = picture(64, 96)
    visual = TimmViT(model).eval()(image)
    assert torch.equal(visual.tokens, model.forward_features(image))
    assert visual.num_prefix_tokens == model.num_prefix_tokens == 5
    assert visual.boxes.shape == (1, 5 + 4 * 6, 4)


def test_the_probes_see_where_its_tokens_lie():
    ours = TimmViT(tiny(dynamic_img_size=True)).eval()
    maps = attention_maps(ours, picture(48, 80))
    assert maps.grid == (3, 5)
    assert maps.num_prefix_tokens == ours.model.num_prefix_tokens
    assert effective_receptive_field(ours, "model.norm", (1, 3), noise_images(1, 48, 80)).shape == (48, 80)


@pytest.mark.parametrize(
    ("name", "options", "size", "grid", "end"),
    [
        # 384 = 27 * 14 + 6: mlfoundations/open_clip#1001, and the encoder of LLaVA-OneVision
        ("vit_so400m_patch14_siglip_384", {"mlp_ratio": 2}, (384, 384), (27, 27), (0.984375, 0.984375)),
        ("vit_so400m_patch14_siglip_378", {"mlp_ratio": 2}, (378, 378), (27, 27), (1, 1)),
        ("naflexvit_base_patch16_gap", {}, (48, 80), (3, 5), (1, 1)),
        ("vit_tiny_patch16_224", {"dynamic_img_size": True, "dynamic_img_pad": True}, (30, 50), (2, 4), (1, 1)),
    ],
)
@torch.no_grad()
def test_boxes_end_where_the_last_patch_ends(name, options, size, grid, end):
    model = timm.create_model(name, depth=1, embed_dim=48, num_heads=3, **options).eval()
    ours, image = TimmViT(model), picture(*size)
    visual = ours(image)
    patch, num_prefix_tokens = ours.patch_size, visual.num_prefix_tokens
    assert visual.tokens.shape[1] == num_prefix_tokens + grid[0] * grid[1]
    assert ours.grid(image).shape[2:] == grid
    assert visual.boxes[0, -1, 2:].tolist() == pytest.approx(end)
    for row, column in ((0, 0), (1, 2), (grid[0] - 1, grid[1] - 1)):
        pixels = [row * patch, column * patch, (row + 1) * patch, (column + 1) * patch]
        inside = [min(pixel / side, 1) for pixel, side in zip(pixels, (*size, *size), strict=True)]
        assert visual.boxes[0, num_prefix_tokens + row * grid[1] + column].tolist() == pytest.approx(inside)


@torch.no_grad()
def test_what_lies_beyond_the_last_patch_is_never_seen():
    ours = TimmViT(timm.create_model("vit_so400m_patch14_siglip_384", depth=1, embed_dim=48, num_heads=3).eval())
    image = picture(384, 384)
    before = ours(image)
    seen = round(float(before.boxes[0, -1, 3]) * 384)
    image[:, :, :, seen:] += 1
    assert torch.equal(ours(image).tokens, before.tokens)
    image[:, :, :, seen - 1] += 1
    assert not torch.equal(ours(image).tokens, before.tokens)


@torch.no_grad()
def test_a_table_made_for_a_wide_picture_takes_another_size():
    # huggingface/pytorch-image-models#2317
    vit = timm.create_model("vit_tiny_patch16_224", depth=1, embed_dim=48, num_heads=3, dynamic_img_size=True)
    vit.set_input_size((800, 1008))
    assert TimmViT(vit.eval())(picture(640, 480)).tokens.shape[1] == 1 + 40 * 30


@pytest.mark.parametrize(
    ("name", "side", "num_prefix_tokens", "count"),
    [("vit_large_patch14_clip_336", 336, 1, 576), ("vit_so400m_patch14_siglip_378", 378, 0, 729)],
)
@torch.no_grad()
def test_a_prefix_is_dropped_once(name, side, num_prefix_tokens, count):
    # huggingface/transformers#34447: 729 tokens became 728 features
    visual = TimmViT(timm.create_model(name, depth=1, embed_dim=48, num_heads=3).eval())(picture(side, side))
    dropped = DropPrefixTokens()(visual)
    assert (visual.num_prefix_tokens, dropped.tokens.shape[1], DropPrefixTokens()(dropped).tokens.shape[1]) == (
        num_prefix_tokens,
        count,
        count,
    )


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda model: torch.compile(model, backend="eager")])
@torch.no_grad()
def test_a_wrapped_vit_is_the_vit(wrap):
    model = tiny(dynamic_img_size=True)
    assert torch.equal(TimmViT(wrap(model))(picture(48, 80)).tokens, TimmViT(model)(picture(48, 80)).tokens)


def test_the_strongest_pixel_of_an_untrained_unit_lies_in_its_own_patch():
    # jacobgil/pytorch-grad-cam#76: off by the CLS or register tokens; the skip path makes the own patch the strongest
    vit = timm.create_model(
        "vit_small_patch14_reg4_dinov2", img_size=56, depth=2, embed_dim=96, num_heads=3, dynamic_img_size=True
    )
    heat = effective_receptive_field(vit.eval(), "blocks.1", (3, 5), noise_images(4, 56, 84))
    assert [(row // 14, column // 14) for row, column in (heat == 1).nonzero().tolist()] == [(3, 5)]


REFUSED = {
    "a CNN": (lambda: TimmViT(timm.create_model("test_resnet")), TypeError, "GridEncoder"),
    "no network of patches": (lambda: TimmViT(nn.Linear(2, 2)), TypeError, "expected a ViT of timm"),
    "windows that merge": (lambda: TimmViT(tiny_swin()), TypeError, "SwinTransformer; expected a ViT of timm"),
    "patches that are not square": (lambda: TimmViT(tiny(patch_size=(16, 8))), ValueError, "16 x 8"),
    "another size than its own": (
        lambda: TimmViT(tiny(dynamic_img_size=False))(picture(48, 80)),
        ValueError,
        "48 x 80; expected 160 x 160",
    ),
    "half a patch": (lambda: TimmViT(tiny(dynamic_img_size=True))(picture(40, 80)), ValueError, "multiples of 16"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_cannot_take_is_refused_with_a_sentence(name):
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        call()

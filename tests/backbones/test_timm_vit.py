import pytest
import timm
import torch
from support.random_weights import randomise
from timm.models.swin_transformer import SwinTransformer
from torch import nn

from vlmteach.backbones import TimmViT
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
    before, prefix = ours(image), ours(image).prefix
    image[:, :, 16:32, 48:64] += 1  # row 1, column 3 of 3 x 5
    moved = (ours(image).tokens - before.tokens).abs().amax(dim=(0, 2)).nonzero().flatten().tolist()
    assert moved == [prefix + 1 * 5 + 3]
    assert before.boxes[0, moved[0]].tolist() == pytest.approx([1 / 3, 3 / 5, 2 / 3, 4 / 5])
    assert ours.grid(image).shape == (1, before.tokens.shape[2], 3, 5)


@torch.no_grad()
def test_rotary_vits_are_taken_too():
    model = randomise(timm.create_model("vit_small_patch16_dinov3", depth=2, dynamic_img_size=True), scale=0.05)
    image = picture(64, 96)
    visual = TimmViT(model).eval()(image)
    assert torch.equal(visual.tokens, model.forward_features(image))
    assert visual.prefix == model.num_prefix_tokens == 5
    assert visual.boxes.shape == (1, 5 + 4 * 6, 4)


def test_the_probes_see_where_its_tokens_lie():
    ours = TimmViT(tiny(dynamic_img_size=True)).eval()
    maps = attention_maps(ours, picture(48, 80))
    assert maps.grid == (3, 5)
    assert maps.prefix == ours.model.num_prefix_tokens
    assert effective_receptive_field(ours, "model.norm", (1, 3), noise_images(1, 48, 80)).shape == (48, 80)


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

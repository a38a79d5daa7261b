import pytest
import torch
from support.random_weights import randomise

from vlmteach.nn.conv_stem_vit import ConvStem, ConvStemViT
from vlmteach.nn.vit import PatchEmbed, VisionTransformer


def picture(batch=2, height=32, width=32):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "options", [{}, {"registers": 2}, {"cls": False, "positions": "sincos"}, {"positions": "none"}], ids=str
)
def test_it_gives_the_tokens_and_boxes_of_the_plain_vit(options):
    ours = ConvStemViT(32, 8, 24, depth=2, num_heads=3, **options).eval()(picture())
    plain = VisionTransformer(32, 8, 24, depth=2, num_heads=3, **options).eval()(picture())
    assert ours.tokens.shape == plain.tokens.shape
    assert torch.equal(ours.boxes, plain.boxes)
    assert ours.num_prefix_tokens == plain.num_prefix_tokens


@pytest.mark.parametrize(
    "options",
    [{"registers": 1}, {"positions": "sincos"}, {"positions": "none", "cls": False}, {"mlp_ratio": 2}],
    ids=str,
)
def test_only_the_making_of_patches_differs_from_the_plain_vit(options):
    ours, plain = (
        ConvStemViT(32, 8, 24, depth=2, num_heads=3, **options),
        VisionTransformer(32, 8, 24, depth=2, num_heads=3, **options),
    )
    rest = {name: weight for name, weight in plain.state_dict().items() if not name.startswith("patch_embed")}
    assert {name for name in ours.state_dict() if not name.startswith("patch_embed")} == set(rest)
    ours.load_state_dict(rest, strict=False)
    assert isinstance(ours.patch_embed, ConvStem)
    ours.patch_embed = plain.patch_embed
    torch.testing.assert_close(ours(picture()).tokens, plain(picture()).tokens)


def test_patches_overlap_through_the_stem_and_not_without_it():
    image, changed = picture(1), picture(1)
    changed[:, :, 7, 7] += 1  # the last pixel of the first patch
    for embed, expected in [(randomise(ConvStem(8, 24)), [0, 1, 4, 5]), (randomise(PatchEmbed(8, 24)), [0])]:
        moved = (embed(image) - embed(changed)).abs().sum(-1)[0].nonzero().flatten()
        assert moved.tolist() == expected


def test_every_parameter_learns():
    vit = ConvStemViT(32, 8, 24, depth=2, num_heads=3)
    visual = vit(picture())
    (visual.tokens * torch.randn_like(visual.tokens)).sum().backward()
    assert all(parameter.grad.abs().max() > 1e-7 for parameter in vit.parameters())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ConvStemViT(36, 12, 24, depth=1, num_heads=3), "stride is 12"),
        (lambda: ConvStemViT(32, 8, 24, depth=1, num_heads=3)(picture(1, 28, 32)), "28 x 32.*multiples of 8"),
        (lambda: ConvStemViT(32, 8, 24, depth=1, num_heads=3)(picture(1, 64, 32)), "8 x 4 cells; expected 4 x 4"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "expected" in str(caught.value)

import pytest
import torch
import torch.nn.functional as F
from support.random_weights import largest_difference, randomise

from vlmteach.nn.connectors import MeanPool
from vlmteach.nn.tokens import patchify
from vlmteach.nn.vit import PatchEmbed, VisionTransformer

TOLERANCE = [(torch.float32, 1e-5), (torch.float64, 1e-10)]


def picture(batch=2, height=16, width=16, channels=3, dtype=torch.float32, seed=0):
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def small_vit(image_size=16, patch_size=4, dim=24, depth=2, num_heads=3, **options):
    return randomise(
        VisionTransformer(image_size, patch_size, dim, depth=depth, num_heads=num_heads, **options), scale=0.1
    )


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
@pytest.mark.parametrize("size", [(16, 16), (8, 20)], ids=str)
def test_a_patch_embedding_is_a_convolution_is_unfold_and_a_linear_layer(size, dtype, tolerance):
    embed = randomise(PatchEmbed(4, 24), scale=0.1).to(dtype)
    image = picture(2, *size, dtype=dtype)
    weight, bias = embed.proj.weight, embed.proj.bias
    convolution = F.conv2d(image, weight, bias, stride=4).flatten(2).transpose(1, 2)
    unfolded = F.linear(F.unfold(image, 4, stride=4).transpose(1, 2), weight.flatten(1), bias)
    patches = patchify(image, 4) @ weight.flatten(1).T + bias
    for other in (convolution, unfolded, patches):
        assert largest_difference(embed(image), other) <= tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
def test_a_patch_embedding_equals_timms(dtype, tolerance):
    from timm.layers import PatchEmbed as TimmPatchEmbed

    theirs = randomise(TimmPatchEmbed(img_size=16, patch_size=4, embed_dim=24), scale=0.1).to(dtype)
    ours = PatchEmbed(4, 24).to(dtype)
    ours.load_state_dict(theirs.state_dict())
    image = picture(dtype=dtype)
    assert largest_difference(ours(image), theirs(image)) <= tolerance


def test_patch_size_comes_first_and_width_second():
    assert PatchEmbed(4, 24, channels=2).proj.weight.shape == (24, 2, 4, 4)
    assert PatchEmbed(4, 24)(picture()).shape == (2, 16, 24)
    assert VisionTransformer(16, 4, 24, depth=2, num_heads=3)(picture()).tokens.shape == (2, 17, 24)


@pytest.mark.parametrize(
    ("options", "num_prefix_tokens"),
    [({}, 1), ({"registers": 4}, 5), ({"cls": False}, 0), ({"cls": False, "registers": 2}, 2)],
    ids=str,
)
def test_prefix_tokens_stand_in_front_and_for_the_whole_picture(options, num_prefix_tokens):
    visual = small_vit((8, 16), **options)(picture(2, 8, 16))
    assert visual.num_prefix_tokens == num_prefix_tokens
    assert visual.tokens.shape == (2, num_prefix_tokens + 8, 24)
    assert visual.boxes[0, :num_prefix_tokens].tolist() == [[0, 0, 1, 1]] * num_prefix_tokens
    assert visual.boxes[1, num_prefix_tokens].tolist() == [0, 0, 0.5, 0.25]
    assert visual.boxes[1, -1].tolist() == [0.5, 0.75, 1, 1]
    assert visual.grid == (2, 4)


def test_a_token_belongs_to_the_patch_of_its_box():
    vit = small_vit((8, 16), cls=False, depth=0)
    image, changed = picture(1, 8, 16), picture(1, 8, 16)
    changed[:, :, 4:8, 8:12] += 1
    moved = (vit(image).tokens - vit(changed).tokens).abs().sum(-1)[0].nonzero().flatten()
    assert moved.tolist() == [6]
    assert vit(image).boxes[0, 6].tolist() == [0.5, 0.5, 1, 0.75]


def test_the_grid_holds_the_patch_tokens():
    vit = small_vit((8, 16), registers=1)
    image = picture(2, 8, 16)
    grid, tokens = vit.grid(image), vit(image).tokens
    assert grid.shape == (2, 24, 2, 4)
    torch.testing.assert_close(grid[:, :, 1, 2], tokens[:, 2 + 1 * 4 + 2])


def shuffle_patches(image, order):
    patches = F.unfold(image, 4, stride=4)[:, :, order]
    return F.fold(patches, image.shape[2:], 4, stride=4)


@pytest.mark.parametrize(("positions", "is_bag"), [("none", True), ("learned", False), ("sincos", False)])
def test_without_positions_a_picture_is_a_bag_of_patches(positions, is_bag):
    vit = small_vit(positions=positions)
    image = picture()
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    before, after = vit(image), vit(shuffle_patches(image, order))
    moved = largest_difference(MeanPool()(before).tokens, MeanPool()(after).tokens)
    moved_cls = largest_difference(before.tokens[:, 0], after.tokens[:, 0])
    if is_bag:
        assert max(moved, moved_cls) < 1e-6
        torch.testing.assert_close(before.tokens[:, 1:][:, order], after.tokens[:, 1:], rtol=0, atol=1e-5)
    else:
        assert min(moved, moved_cls) > 1e-4


@pytest.mark.parametrize("positions", ["learned", "sincos"])
def test_equal_patches_at_different_places_become_different_tokens(positions):
    tokens = small_vit(positions=positions, cls=False, depth=0)(torch.full((1, 3, 16, 16), 0.5)).tokens[0]
    assert (torch.cdist(tokens, tokens) + torch.eye(16)).min() > 0.01


@pytest.mark.parametrize("options", [{}, {"registers": 2}, {"positions": "sincos"}, {"positions": "none"}], ids=str)
def test_the_other_pictures_of_a_batch_change_nothing(options):
    vit = small_vit(**options)
    image = picture(5)
    together = vit(image).tokens
    for index in range(5):
        torch.testing.assert_close(vit(image[index : index + 1]).tokens[0], together[index], rtol=0, atol=1e-5)


def test_a_learned_table_has_one_row_for_each_patch_whatever_the_batch():
    vit = VisionTransformer((8, 16), 4, 24, depth=1, num_heads=3, registers=3)
    assert vit.positions.table.shape == (1, 8, 24)
    vit(picture(5, 8, 16))
    assert vit.positions.table.shape == (1, 8, 24)


@pytest.mark.parametrize("positions", ["sincos", "none"])
def test_without_a_learned_table_any_whole_number_of_patches_will_do(positions):
    assert small_vit(positions=positions)(picture(1, 8, 20)).tokens.shape == (1, 11, 24)


def test_a_stretched_table_fits_a_picture_of_another_size():
    vit = small_vit()
    vit.positions.resample(3, 5)
    assert vit(picture(1, 12, 20)).tokens.shape == (1, 16, 24)


def test_every_parameter_learns():
    vit = VisionTransformer(16, 4, 24, depth=2, num_heads=3, registers=2, layer_scale=0.1)
    visual = vit(picture())
    (visual.tokens * torch.randn_like(visual.tokens)).sum().backward()
    for name, parameter in vit.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().amax() > 1e-6, name


def test_computes_in_half_precision():
    vit = VisionTransformer(16, 4, 24, depth=1, num_heads=3, positions="sincos").bfloat16()
    visual = vit(picture(dtype=torch.bfloat16))
    assert visual.tokens.dtype == torch.bfloat16
    assert visual.tokens.isfinite().all()


BAD = {
    "picture of another size": (lambda: small_vit()(picture(1, 8, 16)), "2 x 4 cells; expected 4 x 4"),
    "picture no whole number of patches": (lambda: small_vit()(picture(1, 15, 16)), "15 x 16.*multiples of 4"),
    "table no whole number of patches": (lambda: small_vit(image_size=18), "18 x 18.*4 x 4 patches"),
    "table of no patch": (lambda: small_vit(image_size=0), "0 x 0"),
    "unknown positions": (lambda: small_vit(positions="rotary"), "positions is 'rotary'"),
    "heads that do not divide": (lambda: small_vit(num_heads=5), "24 .* 5 heads"),
    "width without waves": (lambda: small_vit(dim=22, num_heads=2, positions="sincos"), "22 .*multiple of 4"),
    "patch size 0": (lambda: PatchEmbed(0, 24), "patch size is 0"),
    "patch size below 0": (lambda: VisionTransformer(16, -4, 24, depth=1, num_heads=3), "patch size is -4"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_a_sentence(name):
    call, words = BAD[name]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "expected" in str(caught.value)

import numpy as np
import pytest
import torch

from vlmteach.nn.checks import LARGEST_VALUE, check_picture
from vlmteach.nn.conv_stem_vit import ConvStemViT
from vlmteach.nn.convnet import ConvNet
from vlmteach.nn.vit import PatchEmbed, VisionTransformer

GOOD = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
BYTES = (GOOD * 255).to(torch.uint8)


def with_value(value):
    image = GOOD.clone()
    image[1, 2, 3, 4] = value
    return image


# What is given, how check_picture is called, the error, what its sentence names, the remedy it offers.
BAD = {
    "an array": (np.zeros((1, 3, 8, 8)), {}, TypeError, "ndarray", "torch.as_tensor"),
    "nothing": (None, {}, TypeError, "NoneType", "torch.as_tensor"),
    "no batch axis": (GOOD[0], {}, ValueError, r"\(3, 16, 24\)", r"image\[None\]"),
    "two axes": (GOOD[0, 0], {}, ValueError, r"\(16, 24\)", "four axes"),
    "five axes": (GOOD[None], {}, ValueError, r"\(1, 2, 3, 16, 24\)", "four axes"),
    "channels last": (GOOD.permute(0, 2, 3, 1), {}, ValueError, "channels last", r"permute\(0, 3, 1, 2\)"),
    "grey": (GOOD[:, :1], {}, ValueError, r"\(2, 1, 16, 24\)", "expand"),
    "colour for a grey encoder": (GOOD, {"channels": 1}, ValueError, r"expected \(B, 1, H, W\)", "mean"),
    "empty batch": (GOOD[:0], {}, ValueError, r"\(0, 3, 16, 24\).*empty", "how the batch was cut"),
    "no rows": (GOOD[:, :, :0], {}, ValueError, r"\(2, 3, 0, 24\).*empty", "how the batch was cut"),
    "bytes": (BYTES, {}, TypeError, r"torch\.uint8", r"image\.float\(\) / 255"),
    "integers": (BYTES.long(), {}, TypeError, r"torch\.int64", r"image\.float\(\) / 255"),
    "bytes as floats": (BYTES.float(), {}, ValueError, "as large as 25[0-5]", "division by 255"),
    "negative and large": (-BYTES.float(), {}, ValueError, "as large as 25[0-5]", "division by 255"),
    "NaN": (with_value(float("nan")), {}, ValueError, "NaN or infinite", "isfinite"),
    "infinity": (with_value(float("inf")), {}, ValueError, "NaN or infinite", "isfinite"),
    "minus infinity": (with_value(-float("inf")), {}, ValueError, "NaN or infinite", "isfinite"),
    "smaller than the stride": (GOOD, {"at_least": 32}, ValueError, "16 x 24.*at least 32", "smaller stride"),
    "too low": (GOOD, {"at_least": 20}, ValueError, "16 x 24.*at least 20", "smaller stride"),
    "too narrow": (GOOD.mT, {"at_least": 20}, ValueError, "24 x 16.*at least 20", "smaller stride"),
    "no whole number of patches": (GOOD, {"multiple_of": 16}, ValueError, "16 x 24.*multiples of 16", "16 x 16"),
    "smaller than a patch": (GOOD, {"multiple_of": 32}, ValueError, "16 x 24.*multiples of 32", "32 x 32"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_refused_with_what_came_what_was_expected_and_what_to_do(name):
    image, options, error, given, remedy = BAD[name]
    with pytest.raises(error, match=given) as caught:
        check_picture(image, **options)
    assert "expected" in str(caught.value)
    with pytest.raises(error, match=remedy):
        check_picture(image, **options)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_good_picture_passes_in_every_floating_dtype_and_stays_as_it_is(dtype):
    image = (GOOD * 5 - 2.5).to(dtype)
    before = image.clone()
    check_picture(image, at_least=16, multiple_of=8)
    assert torch.equal(image, before)


def test_other_channels_the_limits_and_a_picture_with_gradient_pass():
    check_picture(torch.rand(1, 1, 3, 3), channels=1)
    check_picture(with_value(LARGEST_VALUE))
    check_picture(with_value(-LARGEST_VALUE))
    check_picture(GOOD.clone().requires_grad_())


def test_a_picture_three_pixels_wide_is_not_taken_for_channels_last():
    check_picture(torch.rand(1, 3, 8, 3))


ENCODERS = {
    "PatchEmbed": PatchEmbed(8, 16),
    "VisionTransformer": VisionTransformer((16, 24), 8, 16, depth=1, num_heads=2),
    "ConvStemViT": ConvStemViT((16, 24), 8, 16, depth=1, num_heads=2),
    "ConvNet": ConvNet(16, (1,)).eval(),
    "ConvNet.grid": ConvNet(16, (1,)).eval().grid,
    "VisionTransformer.grid": VisionTransformer((16, 24), 8, 16, depth=1, num_heads=2).grid,
}


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", [name for name in BAD if not BAD[name][1]])
def test_every_encoder_asks_the_same_of_a_picture(encoder, name):
    image, _, error, given, _ = BAD[name]
    with pytest.raises(error, match=given):
        ENCODERS[encoder](image)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_takes_a_good_picture_and_refuses_one_that_its_cells_do_not_tile(encoder):
    ENCODERS[encoder](GOOD)
    with pytest.raises(ValueError, match=r"16 x 20.*multiples of 8"):
        ENCODERS[encoder](GOOD[..., :20])

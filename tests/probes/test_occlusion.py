import pytest
import torch
from torch import nn

from vlmteach.nn import VisionTransformer
from vlmteach.probes import occlusion


def picture(height=8, width=12):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(2))


def total_of_red(image):
    """A network whose answer is known: the sum of the red channel, and twice it."""
    red = image[:, 0].sum(dim=(1, 2))
    return torch.stack([red, 2 * red], dim=1)


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_the_change_is_what_was_covered(batch_size):
    image = picture()
    change = occlusion(total_of_red, image, (2, 3), fill=0.25, batch_size=batch_size)
    assert change.shape == (2, 3, 2)
    for row in range(2):
        for column in range(3):
            red = image[0, 0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            assert change[row, column, 0].item() == pytest.approx((0.25 - red).sum().item(), abs=1e-4)
    assert torch.allclose(change[..., 1], 2 * change[..., 0])


def test_a_cell_is_covered_in_the_colour_that_was_stated():
    image, seen = picture(), []

    def look(batch):
        seen.extend(batch.clone())
        return batch.mean(dim=(2, 3))

    occlusion(look, image, (2, 3), fill=[0.1, 0.2, 0.3])
    assert len(seen) == 1 + 6
    assert torch.equal(seen[0], image[0])
    bottom_right = seen[-1]
    assert torch.equal(bottom_right[:, 4:, 8:], torch.tensor([0.1, 0.2, 0.3])[:, None, None].expand(3, 4, 4))
    assert torch.equal(bottom_right[:, :4], image[0, :, :4])
    assert torch.equal(bottom_right[:, 4:, :8], image[0, :, 4:, :8])


def test_no_more_than_batch_size_pictures_are_alive_and_the_picture_is_not_written_to():
    image, sizes = picture(), []
    before = image.clone()

    def look(batch):
        sizes.append(len(batch))
        return batch.mean(dim=(2, 3))

    occlusion(look, image, (4, 4), fill=0.0, batch_size=6)
    assert sizes == [1, 6, 6, 4]
    assert torch.equal(image, before)


def test_a_network_that_looks_at_one_cell_changes_only_there():
    change = occlusion(lambda image: image[:, :, 5, 1], picture(), (2, 3), fill=0.0).norm(dim=-1)
    assert (change > 0).nonzero().tolist() == [[1, 0]]


def test_a_token_of_a_vit_can_be_asked():
    torch.manual_seed(0)
    model = VisionTransformer(16, 8, dim=12, depth=1, num_heads=2).eval()
    change = occlusion(lambda image: model(image).tokens[:, 0], torch.rand(1, 3, 16, 16), (2, 2), fill=0.5)
    assert change.shape == (2, 2, 12)
    assert not change.requires_grad
    assert (change.norm(dim=-1) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"model": nn.Linear(2, 2)}, ValueError, r"training mode.*model.eval\(\)"),
        (
            {"model": lambda image: image.sum()},
            ValueError,
            r"returned shape \(\) for 1 pictures; .*one vector a picture",
        ),
        ({"model": lambda image: image}, ValueError, r"expected one vector a picture, \(1, K\)"),
        ({"model": lambda image: "red"}, ValueError, "the model returned str"),
        ({"image": torch.rand(3, 8, 12)}, ValueError, r"shape \(3, 8, 12\); expected one picture"),
        ({"image": torch.rand(2, 3, 8, 12)}, ValueError, "expected one picture"),
        ({"image": torch.zeros(1, 3, 8, 12, dtype=torch.uint8)}, TypeError, "no tensor of floats"),
        ({"cells": (3, 3)}, ValueError, "3 x 3 cells do not divide a picture of 8 x 12"),
        ({"cells": (0, 3)}, ValueError, "do not divide"),
        ({"fill": [0.1, 0.2]}, ValueError, "the fill has 2 values; expected 1, or 3"),
        ({"batch_size": 0}, ValueError, "batch size is 0"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(arguments, kind, sentence):
    good = {"model": total_of_red, "image": picture(), "cells": (2, 3), "fill": 0.0}
    with pytest.raises(kind, match=sentence):
        occlusion(**{**good, **arguments})


def test_a_cell_that_shows_the_fill_already_is_not_computed_again_and_changes_exactly_nothing():
    image = torch.full((1, 3, 6, 6), 0.25)
    image[0, 1, 0, 5] = 0.5  # one pixel of one channel, in the upper right cell
    asked = []

    def model(pictures):
        asked.append(len(pictures))
        return pictures.flatten(1).sum(dim=1, keepdim=True) + len(asked)  # tells every call from the others

    change = occlusion(model, image, (3, 3), (0.25, 0.25, 0.25))[..., 0]
    assert asked == [1, 1]
    assert change[0, 2] != 0
    assert change.count_nonzero() == 1

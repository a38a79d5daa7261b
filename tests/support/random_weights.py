"""Weights that leave nothing at zero or one, so that an equality between two networks tests every one of them."""

import torch

from vlmteach.backbones.weights import Undrawn


@torch.no_grad()
def randomise(module, seed=0, scale=0.3):
    """Redraw every parameter and buffer of a module; returns the module in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        if name.endswith("running_var"):
            tensor.copy_(1 + noise.abs())
        elif tensor.ndim == 1:
            tensor.copy_(0.5 + scale * noise)
        else:
            tensor.copy_(noise * scale)
    return module.eval()


def random_network(make, *args, scale, **options):
    """make(*args, **options) with its weights redrawn by `randomise`, and not drawn before."""
    with Undrawn():
        network = make(*args, **options)
    return randomise(network, scale=scale)


def largest_difference(ours, theirs):
    """The largest absolute difference of two tensors of one shape and dtype."""
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    return (ours - theirs).abs().max().item()

"""Hide a part of the picture and measure what changes: the causal companion of every attention map."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from vlmteach.probes.network import in_full, in_training, in_words, reading, refuse_lazy


def occlusion(
    model: Callable[[Tensor], Tensor],
    image: Tensor,
    cells: tuple[int, int],
    fill: float | Sequence[float],
    batch_size: int = 16,
) -> Tensor:
    """Cover each cell of the picture in turn and report how the output moves.

    model: an nn.Module in eval mode, or any function of a picture batch, that returns one vector a picture (B, K).
           It states what is measured: `lambda x: vit(x).tokens[:, 0]`, or of a VLM, with one question as word numbers,
           `lambda x: vlm(x, words.expand(len(x), 1, -1))[:, 0, -1].softmax(-1)`.
    image: one picture (1, C, H, W). cells: (rows, columns) it is cut into. batch_size: pictures in memory at a time.
    fill:  what a covered cell shows: one value for all channels or one a channel. The answer depends on it; a mean
           colour removes the content, black may add an edge of its own.

    Returns (rows, columns, K): the output with the cell covered minus the output without. Take `.norm(dim=-1)` for the
    size of the change, or one entry for a probability that rises or falls.
    Raises TypeError or ValueError for a picture, cells, fill or output that do not fit.
    Source: arXiv 1311.2901, section 4.2.
    """
    colour = _check(model, image, cells, fill, batch_size)
    rows, columns = cells
    height, width = image.shape[-2] // rows, image.shape[-1] // columns
    with reading():
        whole = _one_vector_a_picture(model(image.clone()), 1)  # a network may write on its input
        changes = torch.zeros(rows * columns, whole.shape[1], dtype=whole.dtype, device=whole.device)
        inside = image[0, :, : rows * height, : columns * width]
        squares = inside.unflatten(2, (columns, width)).unflatten(1, (rows, height))
        alike = (squares == colour[..., None, None]).all(dim=4).all(dim=2).all(dim=0).flatten()
        # a cell that has the fill's colour already is the picture itself: covering it changes nothing
        for places in (~alike).nonzero().flatten().split(batch_size):
            covered = image.repeat(len(places), 1, 1, 1)
            for picture, place in zip(covered, places.tolist(), strict=True):
                top, left = place // columns * height, place % columns * width
                picture[:, top : top + height, left : left + width] = colour
            changes[places] = _one_vector_a_picture(model(covered), len(places)) - whole
        return changes.unflatten(0, (rows, columns))


def _one_vector_a_picture(output: Tensor, pictures: int) -> Tensor:
    """A copy in float32 or better: a function may give the same memory again, and a difference needs its digits."""
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != pictures:
        part = (
            f"model(x)[{next(iter(output))!r}]" if isinstance(output, Mapping) and output else "model(x).tokens[:, 0]"
        )
        raise ValueError(
            f"the model returned {in_words(output)} for {pictures} pictures; expected one vector a picture, "
            f"({pictures}, K). Say what to measure with a function, for instance lambda x: {part}."
        )
    return in_full(output).clone()


def _check(
    model: object, image: Tensor, cells: tuple[int, int], fill: float | Sequence[float], batch_size: int
) -> Tensor:
    """Raise before anything is computed. Returns the fill as (C, 1, 1), or (1, 1, 1) for a single value."""
    if isinstance(model, nn.Module):
        refuse_lazy(model)
        if in_training(model):
            raise ValueError("the model is in training mode, so its output moves by itself; call model.eval() first.")
    if not isinstance(image, Tensor) or not image.is_floating_point():
        raise TypeError("the picture is no tensor of floats; expected (1, C, H, W), bytes scaled to [0, 1] first.")
    if image.ndim != 4 or len(image) != 1:
        raise ValueError(f"the picture has shape {tuple(image.shape)}; expected one picture, (1, C, H, W).")
    rows, columns = cells
    height, width = image.shape[-2:]
    if rows < 1 or columns < 1 or height % rows or width % columns:
        raise ValueError(
            f"{rows} x {columns} cells do not divide a picture of {height} x {width} pixels evenly; "
            "choose numbers that divide its sides, such as the grid of the model."
        )
    if batch_size < 1:
        raise ValueError(f"batch size is {batch_size}; expected at least one picture at a time.")
    colour = torch.as_tensor(fill, dtype=image.dtype, device=image.device).reshape(-1, 1, 1)
    if len(colour) not in (1, image.shape[1]):
        raise ValueError(f"the fill has {len(colour)} values; expected 1, or {image.shape[1]}: one a channel.")
    return colour

"""Exercises of lesson 01: from feature map to tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vlmteach.course.exercises.exercise import Exercise, Wrong, as_number


def _examine_flatten(flatten: Callable[[Tensor], Tensor]) -> None:
    # Every number says where it comes from: 1000 * picture + 100 * channel + 10 * row + column.
    batch, channels, height, width = 2, 3, 4, 5
    picture, channel, row, column = torch.meshgrid(
        *[torch.arange(size) for size in (batch, channels, height, width)], indexing="ij"
    )
    grid = (1000 * picture + 100 * channel + 10 * row + column).float()
    tokens = flatten(grid.clone())
    if not isinstance(tokens, Tensor):
        raise Wrong(f"Your function returned a {type(tokens).__name__}; expected a tensor of tokens.")
    if tokens.shape == (batch, channels, height * width):
        raise Wrong(
            f"Shape {tuple(tokens.shape)} is (B, C, H*W): the cells are in a row, but one token must hold all channels "
            "of one cell. One axis swap is missing."
        )
    if tokens.shape != (batch, height * width, channels):
        raise Wrong(
            f"Shape {tuple(tokens.shape)}; expected (B, H*W, C) = {(batch, height * width, channels)} for a grid of "
            f"shape {tuple(grid.shape)}."
        )
    if torch.equal(tokens, grid.reshape(batch, height * width, channels)):
        raise Wrong(
            "This is the reshape mistake: the shape is right, but reshape reads memory in channel order, so one token "
            "mixes neighbouring cells of one channel. Move the channel axis to the end first."
        )
    for y, x in [(0, 0), (0, 1), (1, 0), (3, 4)]:
        if not torch.equal(tokens[:, y * width + x], grid[:, :, y, x]):
            by_columns = torch.equal(tokens[:, x * height + y], grid[:, :, y, x])
            raise Wrong(
                "You read the grid column by column; the course, like every library, reads row by row."
                if by_columns
                else f"Token {y * width + x} should be cell (row {y}, column {x}) of the grid, and is not."
            )


flatten = Exercise(
    number="1.1",
    examine=_examine_flatten,
    praise="Token y*W + x is cell (y, x), for every picture of the batch, and nothing was lost.",
    hints=(
        "A token is all channels of one cell. Which axis must come last?",
        "grid.flatten(2) joins rows and columns: (B, C, H*W). One swap of two axes is left.",
    ),
    answer="""def flatten_grid(grid):
    return grid.flatten(2).transpose(1, 2)""",
)


def _examine_token_count(answer: object) -> None:
    count = as_number(answer, "a number of tokens")
    known = {
        12 + 20: "You added rows and columns; a grid has rows times columns cells.",
        384 * 640: "That is the number of pixels. A cell is 32 pixels wide and 32 high.",
        384 * 640 // 32: "You divided by the stride once. It acts along rows and along columns.",
        12 * 20 * 2048: "That counts numbers. A token holds 2048 of them.",
        49: "That is the count for a 224 x 224 picture. The grid grows with the picture.",
    }
    if count in known:
        raise Wrong(known[int(count)])
    if count != 12 * 20:
        raise Wrong(f"{count} is not it. How many cells of 32 pixels fit along 384 rows, and along 640 columns?")


token_count = Exercise(
    number="1.2",
    examine=_examine_token_count,
    praise="12 rows times 20 columns: a larger picture means more tokens, and the language model pays for each.",
    hints=("The stride of the last grid is 32 pixels.", "384 / 32 rows, 640 / 32 columns."),
    answer="tokens_for_wide_picture = (384 // 32) * (640 // 32)",
)


def _examine_stride_cell(stride_cell: Callable[[int, int, int], tuple[int, int, int, int]]) -> None:
    for token, width, stride in [(0, 7, 32), (9, 7, 32), (48, 7, 32), (17, 14, 16), (23, 20, 32)]:
        row, column = divmod(token, width)
        expected = (row * stride, column * stride, (row + 1) * stride, (column + 1) * stride)
        box = stride_cell(token, width, stride)
        try:
            got = tuple(int(edge) for edge in box)
        except TypeError:
            raise Wrong(f"Your function returned {box!r}; expected four numbers (top, left, bottom, right).") from None
        if got == expected:
            continue
        raise Wrong(_name_box_mistake(got, expected, token, width, stride))


def _name_box_mistake(got: tuple[int, ...], expected: tuple[int, ...], token: int, width: int, stride: int) -> str:
    top, left, bottom, right = expected
    case = f"token {token} of a grid {width} wide, stride {stride}"
    if got == (left, top, right, bottom):
        return f"For {case} you gave (left, top, right, bottom). Rows come first: (top, left, bottom, right)."
    if got == (top, left, bottom - 1, right - 1):
        return f"For {case} your box ends on its last pixel. Boxes are half-open: bottom and right are one further."
    if got == tuple(edge // stride for edge in expected):
        return f"You gave cells for {case}. A box is in pixels: multiply by the stride."
    if got == (top, left, stride, stride):
        return f"For {case} you gave height and width. A box names its far edges."
    return f"For {case} you gave {got}; expected {expected}. Which row and column is the token's cell?"


stride_cell = Exercise(
    number="1.3",
    examine=_examine_stride_cell,
    praise="Token to cell to pixels: this is how a figure knows which part of the picture to light up.",
    hints=(
        "Row and column of token i in a grid W wide: divmod(i, W).",
        "The cell begins at row * stride, column * stride and is stride pixels high and wide.",
    ),
    answer="""def stride_cell(token, width, stride):
    row, column = divmod(token, width)
    return row * stride, column * stride, (row + 1) * stride, (column + 1) * stride""",
)

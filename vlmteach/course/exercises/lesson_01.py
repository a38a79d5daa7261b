"""Exercises of lesson 01: from feature map to tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vlmteach.course.exercises.checks import FunctionCheck, NumberCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.results import Numbers, Values
from vlmteach.course.exercises.ruled_out import ITS_OWN
from vlmteach.language import N_


def _flatten(grid: Tensor) -> Tensor:
    """Token y * W + x is cell (y, x)."""
    return torch.stack([grid[:, :, y, x] for y in range(grid.shape[2]) for x in range(grid.shape[3])], dim=1)


def _height_for_width(grid: Tensor) -> Tensor:
    batch, channels, height, width = grid.shape
    tokens = torch.zeros(batch, height * width, channels)
    for y in range(height):
        for x in range(width):
            tokens[:, y * height + x] = grid[:, :, y, x]
    return tokens


def _grids() -> tuple[tuple[Tensor], ...]:
    """A grid to read, and some whose numbers have signs and more digits than half precision or whole numbers hold."""
    generator = torch.Generator().manual_seed(1)
    drawn = (torch.randn(*shape, generator=generator) for shape in [(1, 2, 2, 2), (2, 3, 4, 5), (1, 2, 3, 2)])
    return (torch.tensor([[[[0.5, -1.7]], [[2.25, -0.3]]]]),), *((grid,) for grid in drawn)


flatten = Exercise(
    number="1.1",
    examine=FunctionCheck(
        right=_flatten,
        cases=_grids(),
        result=Values("(B, H*W, C)", exact=True),
        mistakes=(
            (
                lambda grid: grid.reshape(len(grid), -1, grid.shape[1]),
                N_(
                    "This is the reshape mistake: the shape is right, but reshape reads memory in channel order, so "
                    "one "
                    "token mixes neighbouring cells of one channel. Move the channel axis to the end first."
                ),
            ),
            (
                lambda grid: grid.flatten(2),
                N_(
                    "Your result is (B, C, H*W): the cells are in a row, but one token must hold all channels of one "
                    "cell. "
                    "One axis swap is missing."
                ),
            ),
            (
                lambda grid: grid.permute(0, 3, 2, 1).flatten(1, 2),
                N_("You read the grid column by column; the course, like every library, reads row by row."),
            ),
            (
                _height_for_width,
                N_(
                    "You numbered the cells y * H + x. A row of the grid holds W cells, so cell (y, x) is token y * W "
                    "+ x."
                ),
            ),
            (
                lambda grid: _flatten(grid).long(),
                N_("You turned the numbers into integers: everything after the decimal point is lost."),
            ),
            (
                lambda grid: _flatten(grid).round(),
                N_("You rounded the numbers: everything after the decimal point is lost."),
            ),
            (
                lambda grid: _flatten(grid).half(),
                N_("Half precision keeps three digits of each number; the rest is lost."),
            ),
            (lambda grid: _flatten(grid).bfloat16(), N_("bfloat16 keeps two digits of each number; the rest is lost.")),
            (
                lambda grid: _flatten(grid).relu(),
                N_("Negative numbers became 0 in your tokens. Keep the numbers as they are."),
            ),
            (lambda grid: _flatten(grid).abs(), N_("Your tokens have lost their signs. Keep the numbers as they are.")),
        ),
        look=N_("Token y * W + x holds all channels of cell (y, x), unchanged."),
        ruled_out=ITS_OWN,
    ),
    praise=N_("Token y*W + x is cell (y, x), for every picture of the batch, and nothing was lost."),
    hints=(
        N_("A token is all channels of one cell. Which axis must come last?"),
        N_("grid.flatten(2) joins rows and columns: (B, C, H*W). One swap of two axes is left."),
    ),
    answer="""def flatten_grid(grid):
    return grid.flatten(2).transpose(1, 2)""",
)


def token_count_for(height: int, width: int) -> Exercise:
    """Exercise 1.2 for a picture of another size, which a stride of 32 divides."""
    rows, columns = height // 32, width // 32
    return Exercise(
        number="1.2",
        examine=NumberCheck(
            right=rows * columns,
            what=N_("a number of tokens"),
            mistakes={
                rows + columns: N_("You added rows and columns; a grid has rows times columns cells."),
                height * width: N_("That is the number of pixels. A cell is 32 pixels wide and 32 high."),
                height * width / 32: N_("You divided by the stride once. It acts along rows and along columns."),
                rows * columns * 2048: N_("That counts numbers. A token holds 2048 of them."),
                49: N_("That is the count for a 224 x 224 picture. The grid grows with the picture."),
                4 * rows * columns: N_("That is the count for a stride of 16. The stride of the last grid is 32."),
                rows * columns + 1: N_(
                    "You counted one more than there are cells. A ViT may have a CLS token; a ResNet's grid has none."
                ),
            },
            look=N_(
                "How many cells of 32 pixels fit along {height} rows, and along {width} columns?",
                height=height,
                width=width,
            ),
        ),
        praise=N_(
            "{rows} rows times {columns} columns: a larger picture means more tokens, and the language model pays "
            "for each.",
            rows=rows,
            columns=columns,
        ),
        hints=(
            N_("The stride of the last grid is 32 pixels."),
            N_("{height} / 32 rows, {width} / 32 columns.", height=height, width=width),
        ),
        answer=f"tokens_for_wide_picture = ({height} // 32) * ({width} // 32)",
    )


token_count = token_count_for(height=384, width=640)


def _stride_cell(token: int, width: int, stride: int) -> tuple[int, int, int, int]:
    row, column = next((y, x) for y in range(token + 1) for x in range(width) if y * width + x == token)
    return row * stride, column * stride, (row + 1) * stride, (column + 1) * stride


def _rearranged(*order: int) -> Callable[[int, int, int], tuple[int, ...]]:
    """A function that gives the box in another order; (1, 0, 3, 2) is left, top, right, bottom."""

    def rearranged(token: int, width: int, stride: int) -> tuple[int, ...]:
        box = _stride_cell(token, width, stride)
        return tuple(box[place] for place in order)

    return rearranged


stride_cell = Exercise(
    number="1.3",
    examine=FunctionCheck(
        right=_stride_cell,
        cases=((1, 2, 4), (2, 2, 4), (9, 7, 32), (48, 7, 32), (17, 14, 16), (23, 20, 32)),
        result=Numbers(("top", "left", "bottom", "right")),
        mistakes=(
            (
                _rearranged(1, 0, 3, 2),
                N_("You gave (left, top, right, bottom). Rows come first: (top, left, bottom, right)."),
            ),
            (
                _rearranged(0, 2, 1, 3),
                N_(
                    "You gave (top, bottom, left, right). The corner with the smallest numbers comes first: (top, "
                    "left, "
                    "bottom, right)."
                ),
            ),
            (
                lambda token, width, stride: (
                    *_stride_cell(token, width, stride)[:2],
                    *(edge - 1 for edge in _stride_cell(token, width, stride)[2:]),
                ),
                N_("Your box ends on its last pixel. Boxes are half-open: bottom and right are one further."),
            ),
            (
                lambda token, width, stride: _stride_cell(token, width, 1),
                N_("You gave cells. A box is in pixels: multiply by the stride."),
            ),
            (
                lambda token, width, stride: (*_stride_cell(token, width, stride)[:2], stride, stride),
                N_("You gave height and width. A box names its far edges."),
            ),
        ),
        look=N_("Which row and column is the token's cell?"),
    ),
    praise=N_("Token to cell to pixels: this is how a figure knows which part of the picture to light up."),
    hints=(
        N_("Row and column of token i in a grid W wide: divmod(i, W)."),
        N_("The cell begins at row * stride, column * stride and is stride pixels high and wide."),
    ),
    answer="""def stride_cell(token, width, stride):
    row, column = divmod(token, width)
    return row * stride, column * stride, (row + 1) * stride, (column + 1) * stride""",
)

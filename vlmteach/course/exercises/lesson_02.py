"""Exercises of lesson 02: how far does a convolution see?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vlmteach.course.exercises.checks import FunctionCheck, NumberCheck
from vlmteach.course.exercises.exercise import Exercise
from vlmteach.course.exercises.results import Number, Numbers
from vlmteach.language import N_

Layers = Sequence[tuple[int, int, int]]


def _seen(layers: Layers, unit: int) -> set[int]:
    """The pixels a unit of the last layer sees, by following every connection: no formula in it."""
    units = {unit}
    for kernel, stride, dilation in reversed(layers):
        units = {u * stride + dilation * j for u in units for j in range(kernel)}
    return units


def _field_after(layers: Layers) -> tuple[int, int]:
    return max(_seen(layers, 0)) + 1, min(_seen(layers, 1))


def _added_up(growth: Callable[[int, int, int, int], int], step: Callable[[int, int], int], start: int = 1) -> Callable:
    """A field whose size grows by growth(kernel, own stride, dilation, stride before), and whose stride by a step."""

    def field(layers: Layers) -> tuple[int, int]:
        size, stride = start, 1
        for kernel, own, dilation in layers:
            size += growth(kernel, own, dilation, stride)
            stride *= step(own, dilation)
        return size, stride

    return field


def _own(own: int, dilation: int) -> int:
    return own


field_after = Exercise(
    number="2.1",
    examine=FunctionCheck(
        right=_field_after,
        cases=tuple(
            (layers,)
            for layers in (
                [],
                [(3, 1, 1), (3, 1, 1)],
                [(3, 1, 2), (3, 1, 4)],
                [(3, 2, 1), (3, 2, 1), (3, 1, 1)],
                [(7, 2, 1), (3, 2, 1), (5, 3, 2), (2, 1, 3)],
            )
        ),
        result=Numbers(("size", "stride")),
        mistakes=(
            (lambda layers: _field_after(layers)[::-1], N_("You swapped the two; expected (size, stride).")),
            (
                _added_up(lambda k, own, d, before: d * (k - 1) * before * own, _own),
                N_(
                    "You multiplied by the layer's own stride before using it. A layer reads units that lie the "
                    "*earlier* layers' stride apart."
                ),
            ),
            (
                _added_up(lambda k, own, d, before: d * (k - 1), _own),
                N_("You added kernels without the stride. Units of a later layer lie further apart."),
            ),
            (
                _added_up(lambda k, own, d, before: (k - 1) * before, _own),
                N_("You left the dilation out: neighbours in a kernel lie dilation units apart."),
            ),
            (
                _added_up(lambda k, own, d, before: (d * k - 1) * before, _own),
                N_("You stretched the kernel to dilation * kernel. k taps have k - 1 gaps between them."),
            ),
            (
                _added_up(lambda k, own, d, before: d * (k - 1) * before, lambda own, d: own * d),
                N_(
                    "You multiplied the stride by the dilation. Dilation spreads the taps of its own layer; the units "
                    "of the layer lie as close as without it."
                ),
            ),
            (
                _added_up(lambda k, own, d, before: (k - 1) * before, lambda own, d: own * d),
                N_(
                    "You multiplied the stride by the dilation. Dilation spreads the taps of its own layer, and no "
                    "later ones."
                ),
            ),
            (
                _added_up(lambda k, own, d, before: d * (k - 1) * before, _own, start=0),
                N_("You began with a field of 0. Without any layer, a pixel sees one pixel: itself."),
            ),
        ),
        look=N_("That is what following every connection gives."),
    ),
    praise=N_("Three lines of arithmetic, and they agree with following every connection."),
    hints=(
        N_("The outermost taps of a kernel lie k - 1 gaps apart. How many units is one gap?"),
        N_("The size grows by dilation * (kernel - 1) * stride, with the stride of the layers before."),
    ),
    answer="""def field_after(layers):
    size, stride = 1, 1
    for kernel, step, dilation in layers:
        size += dilation * (kernel - 1) * stride
        stride *= step
    return size, stride""",
)


def depth_for_sigma_of(sigma: int) -> Exercise:
    """Exercise 2.2 for another standard deviation, an even number of pixels."""
    layers = sigma**2 * 3 // 2
    return Exercise(
        number="2.2",
        examine=NumberCheck(
            right=layers,
            what=N_("a number of layers"),
            mistakes={
                sigma: N_("One layer does not add one pixel of standard deviation: variances add, not deviations."),
                1.5 * sigma: N_(
                    "You solved 2n/3 = {sigma}. That sum is the variance, the square of {sigma}.", sigma=sigma
                ),
                sigma**2: N_("You took a variance of 1 for each layer; three equal weights have 2/3."),
                sigma**2 * 2 / 3: N_(
                    "You multiplied {variance} by 2/3. Solve 2n/3 = {variance} for n: divide by it.",
                    variance=sigma**2,
                ),
                sigma / 2: N_(
                    "That is the depth whose *box* is {side} pixels wide. The standard deviation grows far more "
                    "slowly.",
                    side=sigma + 1,
                ),
                sigma**2 / 2: N_("Close in spirit, but the variance of a 3-wide average is 2/3, not 2."),
            },
            look=N_("With n layers σ² = 2n/3, and it should be {sigma}² = {variance}.", sigma=sigma, variance=sigma**2),
        ),
        praise=N_(
            "{layers} layers, whose box is {side} pixels wide: depth alone is an expensive way to look far. Strides "
            "are not.",
            layers=layers,
            side=2 * layers + 1,
        ),
        hints=(N_("Section 5: σ = √(2n/3) for n layers."), N_("Square both sides and solve for n.")),
        answer=f"layers_for_sigma_{sigma} = {sigma}**2 * 3 // 2",
    )


depth_for_sigma = depth_for_sigma_of(sigma=16)


def _count_whole(size: int, stride: int, padding: int, cells: int, side: int) -> int:
    """Unit by unit: are all pixels of the picture among those it sees?"""
    picture, whole = set(range(side)), 0
    for row in range(cells):
        for column in range(cells):
            starts = (row * stride - padding, column * stride - padding)
            whole += all(picture <= set(range(start, start + size)) for start in starts)
    return whole


def _counted(covers: Callable[[int, int, int], bool], begin: Callable[[int, int, int, int], int]) -> Callable[..., int]:
    """A count of units whose field, from its begin and as long as its size, covers(start, size, side)."""

    def count(size: int, stride: int, padding: int, cells: int, side: int) -> int:
        return sum(covers(begin(u, size, stride, padding), size, side) for u in range(cells)) ** 2

    return count


def _begin(u: int, size: int, stride: int, padding: int) -> int:
    return u * stride - padding


_MIDDLE = N_(
    "You laid the field around the middle of its cell. Section 3: padding shifts a field, and it begins at "
    "u * stride - padding."
)
_BORDER = N_(
    "You miss the border by one pixel. A unit covers the picture when its first pixel, the start, is at most 0 and its "
    "last, start + size - 1, at least side - 1."
)

count_whole = Exercise(
    number="2.3",
    examine=FunctionCheck(
        right=_count_whole,
        # Fields that end at the border, one pixel before or behind it; then ResNet-50's layer3 and layer4, VGG's pool5.
        cases=(
            (4, 1, 1, 3, 3),
            (3, 2, 0, 2, 4),
            (8, 2, 4, 4, 5),
            (9, 2, 4, 4, 5),
            (8, 2, 3, 4, 6),
            (6, 3, 4, 3, 2),
            (427, 32, 213, 7, 224),
            (267, 16, 133, 14, 224),
            (212, 32, 90, 7, 224),
        ),
        result=Number(N_("a number of units")),
        mistakes=(
            (
                lambda size, stride, padding, cells, side: _count_whole(size, stride, padding, cells, side) ** 0.5,
                N_("You counted the rows that see all rows. A unit has a row *and* a column."),
            ),
            (
                lambda size, stride, padding, cells, side: cells**2 if size >= side else 0,
                N_("You compared sizes only. A field larger than the picture can still begin inside it."),
            ),
            (_counted(lambda start, size, side: start <= 0 and start + size >= side - 1, _begin), _BORDER),
            (_counted(lambda start, size, side: start <= 0 and start + size > side, _begin), _BORDER),
            (_counted(lambda start, size, side: start < 0 and start + size >= side, _begin), _BORDER),
            (_counted(lambda start, size, side: start <= 1 and start + size >= side, _begin), _BORDER),
            (
                _counted(
                    lambda start, size, side: start <= 0 and start + size >= side,
                    lambda u, size, stride, padding: u * stride + stride // 2 - size // 2,
                ),
                _MIDDLE,
            ),
            (
                _counted(
                    lambda start, size, side: start <= 0 and start + size // 2 * 2 >= side,
                    lambda u, size, stride, padding: u * stride + stride // 2 - size // 2,
                ),
                _MIDDLE,
            ),
            (
                _counted(
                    lambda start, size, side: start <= 0 and start + size >= side,
                    lambda u, size, stride, padding: u * stride,
                ),
                N_("You left the padding out: the field of unit u begins at u * stride - padding."),
            ),
            (
                _counted(lambda start, size, side: start <= 0, _begin),
                N_("You looked at where a field begins, and not at where it ends."),
            ),
            (
                _counted(lambda start, size, side: start + size >= side, _begin),
                N_("You looked at where a field ends, and not at where it begins."),
            ),
        ),
        look=N_("A unit covers the picture when its first pixel is at most 0 and its last at least side - 1."),
    ),
    praise=N_("36 of 49 for ResNet-50, none for VGG-16: the same picture, two answers to 'are CNNs local?'."),
    hints=(
        N_(
            "Unit u sees the pixels u * stride - padding to u * stride - padding + size - 1, along rows and along "
            "columns."
        ),
        N_("Count the good values of u along one axis. Every good row pairs with every good column."),
    ),
    answer="""def count_whole(size, stride, padding, cells, side):
    starts = [u * stride - padding for u in range(cells)]
    good = [start for start in starts if start <= 0 and start + size >= side]
    return len(good) ** 2""",
)

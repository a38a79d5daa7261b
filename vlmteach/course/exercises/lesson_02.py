"""Exercises of lesson 02: how far does a convolution see?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vlmteach.course.exercises.exercise import Exercise, Wrong, as_number

Layers = Sequence[tuple[int, int, int]]


def _seen(layers: Layers, unit: int) -> set[int]:
    """The pixels a unit of the last layer sees, by following every connection: no formula in it."""
    units = {unit}
    for kernel, stride, dilation in reversed(layers):
        units = {u * stride + dilation * j for u in units for j in range(kernel)}
    return units


def _examine_field_after(field_after: Callable[[Layers], tuple[int, int]]) -> None:
    cases: list[Layers] = [
        [(3, 1, 1), (3, 1, 1)],
        [(3, 2, 1), (3, 2, 1), (3, 1, 1)],
        [(3, 1, 2), (3, 1, 4)],
        [(7, 2, 1), (3, 2, 1), (5, 3, 2), (2, 1, 3)],
        [],
    ]
    for layers in cases:
        pixels = _seen(layers, 0)
        expected = max(pixels) + 1, min(_seen(layers, 1))
        answer = field_after(list(layers))
        try:
            size, stride = answer
        except TypeError:
            raise Wrong(f"Your function returned {answer!r}; expected two numbers (size, stride).") from None
        if (size, stride) != expected:
            raise Wrong(_name_field_mistake(layers, (size, stride), expected))


def _name_field_mistake(layers: Layers, got: tuple[int, int], expected: tuple[int, int]) -> str:
    case = f"For the layers {list(layers)}"
    if not layers:
        return f"Without any layer you gave {got}; a pixel sees one pixel, itself, and the next one lies one further."
    strides = [1]
    for _, stride, _ in layers:
        strides.append(strides[-1] * stride)
    own_first = 1 + sum(d * (k - 1) * s for (k, _, d), s in zip(layers, strides[1:], strict=True))
    whole = 1 + sum((d * k - 1) * s for (k, _, d), s in zip(layers, strides, strict=False))
    plain = 1 + sum((k - 1) * s for (k, _, _), s in zip(layers, strides, strict=False))
    flat = 1 + sum(d * (k - 1) for k, _, d in layers)
    known = {
        (expected[1], expected[0]): "you swapped the two; expected (size, stride).",
        (own_first, expected[1]): "you multiplied by the layer's own stride before using it. A layer reads units that "
        "lie the *earlier* layers' stride apart.",
        (flat, expected[1]): "you added kernels without the stride. Units of a later layer lie further apart.",
        (plain, expected[1]): "you left the dilation out: neighbours in a kernel lie dilation units apart.",
        (whole, expected[1]): "you stretched the kernel to dilation * kernel. k taps have k - 1 gaps between them.",
    }
    if got in known:
        return f"{case} {known[got]}"
    return f"{case} you gave {got}; following the connections gives {expected}."


field_after = Exercise(
    number="2.1",
    examine=_examine_field_after,
    praise="Three lines of arithmetic, and they agree with following every connection.",
    hints=(
        "The outermost taps of a kernel lie k - 1 gaps apart. How many units is one gap?",
        "The size grows by dilation * (kernel - 1) * stride, with the stride of the layers before.",
    ),
    answer="""def field_after(layers):
    size, stride = 1, 1
    for kernel, step, dilation in layers:
        size += dilation * (kernel - 1) * stride
        stride *= step
    return size, stride""",
)


def _examine_depth(answer: object) -> None:
    depth = as_number(answer, "a number of layers")
    known = {
        16: "One layer does not add one pixel of standard deviation: variances add, not deviations.",
        24: "You solved 2n/3 = 16. That sum is the variance, the square of 16.",
        256: "You took a variance of 1 for each layer; three equal weights have 2/3.",
        8: "That is the depth whose *box* is 17 pixels wide. The standard deviation grows far more slowly.",
        128: "Close in spirit, but the variance of a 3-wide average is 2/3, not 2.",
    }
    if depth in known:
        raise Wrong(known[int(depth)])
    if depth != 384:
        raise Wrong(f"With {depth} layers σ² = 2n/3 = {2 * depth / 3:g}; it should be 16² = 256.")


depth_for_sigma = Exercise(
    number="2.2",
    examine=_examine_depth,
    praise="384 layers, whose box is 769 pixels wide: depth alone is an expensive way to look far. Strides are not.",
    hints=("Section 5: σ = √(2n/3) for n layers.", "Square both sides and solve for n."),
    answer="layers_for_sigma_16 = 16**2 * 3 // 2",
)


def _examine_count_whole(count_whole: Callable[[int, int, int, int, int], int]) -> None:
    # ResNet-50's layer4 and layer3, VGG-16's pool5, and boxes that end exactly at the border or one pixel before.
    cases = [(427, 32, 213, 7, 224), (267, 16, 133, 14, 224), (212, 32, 90, 7, 224), (9, 2, 4, 4, 5), (8, 2, 2, 4, 5)]
    for size, stride, padding, cells, side in cases:
        whole = 0
        for row in range(cells):
            for column in range(cells):
                seen = [set(range(u * stride - padding, u * stride - padding + size)) for u in (row, column)]
                whole += all(pixels >= set(range(side)) for pixels in seen)
        answer = as_number(count_whole(size, stride, padding, cells, side), "a number of units")
        if answer != whole:
            case = f"For size {size}, stride {stride}, padding {padding}, {cells} cells and {side} pixels"
            raise Wrong(_name_count_mistake(answer, whole, cells, size >= side, case))


def _name_count_mistake(got: float, expected: int, cells: int, large: bool, case: str) -> str:
    if got == expected**0.5 != expected:
        return f"{case} you counted {got:g}, the rows that see all rows. A unit has a row *and* a column."
    if got == (cells**2 if large else 0):
        return (
            f"{case} you compared sizes only. A field larger than the picture can still begin inside it: "
            f"{expected} units cover it."
        )
    return (
        f"{case} you counted {got:g}; expected {expected}. A unit covers the picture when its first pixel is at most 0 "
        "and its last at least side - 1."
    )


count_whole = Exercise(
    number="2.3",
    examine=_examine_count_whole,
    praise="36 of 49 for ResNet-50, none for VGG-16: the same picture, two answers to 'are CNNs local?'.",
    hints=(
        "Unit u sees the pixels u * stride - padding to u * stride - padding + size - 1, along rows and along columns.",
        "Count the good values of u along one axis. Every good row pairs with every good column.",
    ),
    answer="""def count_whole(size, stride, padding, cells, side):
    starts = [u * stride - padding for u in range(cells)]
    good = [start for start in starts if start <= 0 and start + size >= side]
    return len(good) ** 2""",
)

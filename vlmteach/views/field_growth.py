"""Figures of how a receptive field grows with depth: the tree of a stack, two growth laws, the shape of the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from vlmteach.language import _, from_lesson
from vlmteach.views.style import CNN_HUE, INK, MUTED, describe, new_figure


def draw_stack(levels: Sequence[Sequence[int]], kernel: int, stride: int, dilation: int) -> Figure:
    """The tree of one unit through a stack of equal 1-D convolutions, down to the pixels it sees.

    levels: from the unit down to the pixels, the numbers of the units that take part. A unit u of one level reads units
    u*stride + dilation*(0 … kernel-1) of the level below.
    """
    depth = len(levels) - 1
    figure, axes = new_figure(height=1.2 + 0.6 * depth)
    places = [_centres(level, depth - i, kernel, stride, dilation) for i, level in enumerate(levels)]
    links = [
        ((place, depth - i), (places[i + 1][levels[i + 1].index(unit * stride + dilation * j)], depth - i - 1))
        for i, level in enumerate(levels[:-1])
        for unit, place in zip(level, places[i], strict=True)
        for j in range(kernel)
    ]
    axes.add_collection(LineCollection(links, colors=MUTED, linewidths=0.8))
    pixels = levels[-1]
    first, last = pixels[0], pixels[-1]
    every = range(first, last + 1)
    axes.scatter(every, [0] * len(every), marker="s", s=_mark(len(every)), fc="white", ec=MUTED, zorder=2)
    axes.scatter(places[-1], [0] * len(pixels), marker="s", s=_mark(len(every)), fc=CNN_HUE, ec=INK, zorder=3)
    for i, place in enumerate(places[:-1]):
        axes.scatter(place, [depth - i] * len(place), s=_mark(len(every)), fc=CNN_HUE, ec=INK, zorder=3)
    axes.set_yticks(range(depth + 1), [_("pixels"), *(_("layer {number}", number=i + 1) for i in range(depth))])
    axes.set_xticks([first, last])
    axes.set_xlim(first - 1, last + 1)
    axes.set_ylim(-0.5, depth + 0.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    seen, span = len(pixels), last - first + 1
    axes.set_title(
        _("one unit of layer {depth} spans {span} pixels", depth=depth, span=span)
        if seen == span
        else _(
            "one unit of layer {depth} spans {span} pixels, and skips {skipped} of them",
            depth=depth,
            span=span,
            skipped=span - seen,
        )
    )
    return describe(
        figure,
        _(
            "{depth} layers of kernel {kernel}, stride {stride}, dilation {dilation}. One unit of the last layer spans "
            "{span} pixels and reads {seen} of them. From the top, the levels have {members} members.",
            depth=depth,
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            span=span,
            seen=seen,
            members=", ".join(str(len(level)) for level in levels),
        ),
    )


def draw_growth(
    depths: Sequence[int], theoretical: Sequence[float], effective: Mapping[str, Sequence[float]]
) -> Figure:
    """Size in pixels over depth, both axes logarithmic: what stacks can see against what they use.

    theoretical: the side of the field. effective: name of the kind of weights -> the same measure of what is used.
    """
    figure, axes = new_figure(height=4.2)
    axes.plot(depths, theoretical, "s-", color=INK, label=_("can see: theoretical field"))
    named = {from_lesson(name): sizes for name, sizes in effective.items()}
    for (name, sizes), style in zip(named.items(), ("o-", "^--", "v:"), strict=False):
        axes.plot(depths, sizes, style, color=CNN_HUE, label=_("uses: effective field, {name}", name=name))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(depths, [str(depth) for depth in depths])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(_("number of 3 × 3 layers"))
    axes.set_ylabel(_("pixels"))
    axes.legend()
    ends = "; ".join(
        _("{name}: from {first:.1f} to {last:.1f} pixels", name=name, first=sizes[0], last=sizes[-1])
        for name, sizes in named.items()
    )
    return describe(
        figure,
        _(
            "From {shallow} to {deep} layers the theoretical field grows from {small:g} to {large:g} pixels, in "
            "proportion to depth. The effective field grows with its square root: {ends}.",
            shallow=depths[0],
            deep=depths[-1],
            small=theoretical[0],
            large=theoretical[-1],
            ends=ends,
        ),
    )


def draw_profile(profile: np.ndarray, sigma: float, side: int) -> Figure:
    """The row of an effective field through its unit, (W,), beside a Gaussian of the same standard deviation.

    side: the theoretical field in pixels, drawn as a bar below.
    """
    centre = len(profile) // 2
    places = np.arange(len(profile)) - centre
    gaussian = np.exp(-(places**2) / (2 * sigma**2))
    share = profile / profile.max()
    figure, axes = new_figure(height=3.8)
    axes.bar(places, share, width=0.9, color=CNN_HUE, alpha=0.75, label=_("measured"))
    axes.plot(places, gaussian, color=INK, label=_("Gaussian, σ = {sigma:.2f} pixels", sigma=sigma))
    axes.plot([-(side - 1) / 2, (side - 1) / 2], [-0.06, -0.06], color=MUTED, lw=6, solid_capstyle="butt")
    axes.text(
        -(side - 1) / 2, -0.16, _("theoretical field: {side} pixels", side=side), color=MUTED, fontsize=12, ha="left"
    )
    axes.set_ylim(-0.22, 1.08)
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlim(-side / 2 - 2, side / 2 + 2)
    axes.set_xlabel(_("pixels from the unit"))
    axes.set_ylabel(_("|gradient|, largest = 1"))
    axes.legend()
    off = np.abs(share - gaussian).max()
    return describe(
        figure,
        _(
            "A row of an effective field, highest in the middle and falling off like a Gaussian of {sigma:.2f} pixels "
            "(largest difference {off:.3f}). The theoretical field is {side} pixels wide; 95% of a Gaussian of this "
            "size lie in its middle {middle:.0f}.",
            sigma=sigma,
            off=off,
            side=side,
            middle=4 * sigma,
        ),
    )


def _centres(level: Sequence[int], layers_below: int, kernel: int, stride: int, dilation: int) -> list[float]:
    """Where units lie over the pixels: the middle of what each of them spans."""
    spacing, size = 1, 1
    for _layer in range(layers_below):
        size += dilation * (kernel - 1) * spacing
        spacing *= stride
    return [unit * spacing + (size - 1) / 2 for unit in level]


def _mark(count: int) -> float:
    return float(np.clip(4000 / count, 12, 160))

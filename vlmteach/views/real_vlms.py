"""Real systems side by side: where their parameters sit, and how many tokens they make of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vlmteach.language import N_, _
from vlmteach.views.style import DASHES, INK, LANGUAGE_HUE, MARKS, MUTED, PAPER, VIT_HUE, describe, new_figure

HUES = {N_("encoder"): VIT_HUE, N_("connector"): INK, N_("language model"): LANGUAGE_HUE}


def draw_part_shares(systems: Mapping[str, Mapping[str, int]]) -> Figure:
    """Which share of a system's parameters each part has: one bar a system, its total in words beside it.

    systems: title -> part ("encoder", "connector", "language model") -> number of parameters.
    """
    figure, axis = new_figure(height=1.2 + 0.42 * len(systems))
    told = []
    for place, (title, parts) in enumerate(systems.items()):
        total, left = sum(parts.values()), 0.0
        for part, count in parts.items():
            share = count / total
            axis.barh(place, share, left=left, color=HUES[part], edgecolor=PAPER, label=_(part) if place == 0 else None)
            left += share
        axis.text(1.01, place, _("{billions:.1f} B", billions=total / 1e9), va="center")
        shares = ", ".join(f"{_(part)} {count / total:.1%}" for part, count in parts.items())
        told.append(
            _("{title}: {shares}, {billions:.1f} billion in all", title=title, shares=shares, billions=total / 1e9)
        )
    axis.set_yticks(range(len(systems)), list(systems))
    axis.invert_yaxis()
    axis.set_xlim(0, 1.12)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axis.set_xlabel(_("share of the parameters"))
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3)
    return describe(figure, _("Where the parameters sit. {listed}.", listed=". ".join(told)))


def draw_token_budgets(sizes: Sequence[str], systems: Mapping[str, Sequence[int]]) -> Figure:
    """How many visual tokens each system makes of pictures of several sizes; the axis of tokens is logarithmic."""
    figure, axis = new_figure(height=5.2)
    hues = [VIT_HUE, LANGUAGE_HUE, INK, MUTED]
    for number, (title, counts) in enumerate(systems.items()):
        style = {"color": hues[number % len(hues)], "linestyle": DASHES[number % len(DASHES)]}
        axis.plot(range(len(sizes)), counts, marker=MARKS[number % len(MARKS)], label=title, **style)
    axis.set_yscale("log")
    ticks = [32, 128, 512, 2048]
    axis.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.minorticks_off()
    axis.set_xticks(range(len(sizes)), sizes)
    axis.set_ylabel(_("visual tokens"))
    figure.legend(loc="outside right upper", fontsize=10)
    table = np.array(list(systems.values()))
    told = "; ".join(f"{title}: {', '.join(f'{count:,}' for count in counts)}" for title, counts in systems.items())
    return describe(
        figure,
        _(
            "Visual tokens of a picture of {sizes}. {listed}. At the largest size from {least:,} to {most:,}.",
            sizes=", ".join(sizes),
            listed=told,
            least=table[:, -1].min(),
            most=table[:, -1].max(),
        ),
    )

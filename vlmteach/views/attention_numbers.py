"""Attention by hand: matrices small enough to read every number, and the arithmetic behind one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from vlmteach.language import N_, _, from_lesson
from vlmteach.views.boxes import cell_box, draw_frame
from vlmteach.views.numbers import short, show_numbers, tell_row
from vlmteach.views.style import INK, LANGUAGE_HUE, PAPER, VIT_HUE, describe, new_figure

ATTENTION_STEPS = ("1 scores", "2 scaled", "3 softmax", "4 output")
# Okabe and Ito again; every shape also carries its colour's name, so nothing depends on seeing the hue.
PAINT = {"red": "#D55E00", "green": "#009E73", "blue": "#0072B2"}


def draw_six_tokens(names: Sequence[str], tokens: np.ndarray, features: Sequence[str]) -> Figure:
    """A picture of two rows of three patches, one named shape in each, beside the tokens (6, D) that stand for them.

    names: such as "red circle", in reading order. features: what each of the D numbers means.
    """
    figure, axes = new_figure(1, 2, height=3.6, width_ratios=[3, 3.2])
    axis = axes[0]
    axis.set_xlim(0, 3)
    axis.set_ylim(2, 0)
    axis.set_aspect("equal")
    axis.set_axis_off()
    axis.set_title(_("the picture: six patches"))
    for token, name in enumerate(names):
        _draw_shape(axis, token, *divmod(token, 3), *name.split())
    names, features = _said(names), _said(features)
    show_numbers(axes[1], tokens, [f"{i} {name}" for i, name in enumerate(names)], features)
    axes[1].set_title(_("X: {count} tokens, {width} numbers each", count=tokens.shape[0], width=tokens.shape[1]))
    rows = "; ".join(
        _("token {number}, {name}: {numbers}", number=i, name=name, numbers=tell_row(row))
        for i, (name, row) in enumerate(zip(names, tokens, strict=True))
    )
    return describe(
        figure,
        _(
            "Six patches in two rows of three, and their tokens over {features}. {rows}.",
            features=", ".join(features),
            rows=rows,
        ),
    )


def draw_numbers(
    matrices: Mapping[str, np.ndarray],
    rows: Sequence[str],
    columns: Sequence[str],
    language: bool = False,
) -> Figure:
    """One or two matrices (rows, columns) side by side with every number written in.

    language: the rows are words, so their names take the language hue.
    """
    rows, columns = _said(rows), _said(columns)
    shown = {from_lesson(title): values for title, values in matrices.items()}
    figure, axes = new_figure(1, len(matrices), height=1.4 + 0.42 * len(rows), squeeze=False)
    for place, (axis, (title, values)) in enumerate(zip(axes[0], shown.items(), strict=True)):
        show_numbers(axis, values, rows if place == 0 else [""] * len(rows), columns)
        axis.set_title(title)
        if language:
            for label in axis.get_yticklabels():
                label.set(color=LANGUAGE_HUE, weight="bold")
    listed = ". ".join(
        f"{title}: " + "; ".join(f"{_line(name)} {tell_row(row)}" for name, row in zip(rows, values, strict=True))
        for title, values in shown.items()
    )
    return describe(figure, _("Columns: {columns}. {listed}.", columns=", ".join(map(_line, columns)), listed=listed))


def draw_attention_step(
    step: str,
    query: int,
    key: int,
    numbers: Mapping[str, np.ndarray],
    names: Sequence[str],
    features: Sequence[str],
    allowed: np.ndarray | None = None,
) -> Figure:
    """One of the four operations: its whole matrix, and the arithmetic of one cell written out.

    step: one of ATTENTION_STEPS. query, key: the row and the column in question.
    numbers: the arrays query, key, value, scores, scaled, weights and output of one head.
    allowed: bool (queries, keys), the mask that weights and output were made with; None when there was none.
    """
    if allowed is None:
        allowed = np.ones(numbers["scores"].shape, dtype=bool)
    if step not in ATTENTION_STEPS:
        raise ValueError(f"step is {step!r}; expected one of {', '.join(ATTENTION_STEPS)}.")
    features = _said(features)
    labels = [f"{i} {name}" for i, name in enumerate(_said(names))]
    figure, axes = new_figure(3, 1, height=6.2, height_ratios=[1.5, 4, 1])
    shown = numbers[{"1 scores": "scores", "2 scaled": "scaled", "3 softmax": "weights", "4 output": "output"}[step]]
    by_feature = step == ATTENTION_STEPS[3]
    numbered = [label.replace(" ", "\n", 1) for label in labels]
    columns = features if by_feature else numbered
    _draw_read(axes[0], step, query, key, numbers, features, numbered)
    # the mask comes between the scale and the softmax
    show_numbers(axes[1], shown, labels, columns, allowed if step in ATTENTION_STEPS[1:3] else None)
    axes[1].set_title(_("step {step}", step=from_lesson(step)))
    axes[1].set_ylabel(_("query"))
    axes[1].set_xlabel(_("number of the output") if by_feature else _("key"))
    draw_frame(axes[1], (query, 0, query + 1, shown.shape[1]), INK, 3.5, halo=8)
    if not by_feature:
        draw_frame(axes[1], cell_box((query, key)), INK, 3.5, halo=8)
    lines = _arithmetic(step, query, key, numbers, allowed)
    axes[2].set_axis_off()
    axes[2].text(0.5, 0.5, "\n".join(lines), ha="center", va="center", transform=axes[2].transAxes, fontsize=12)
    told = _(
        "Step {step} for the query {query} and the key {key}. {lines}.",
        step=from_lesson(step),
        query=labels[query],
        key=labels[key],
        lines=" ".join(lines),
    )
    if not allowed.all():
        told += _(
            " A mask blocks {blocked} of {pairs} pairs of query and key.", blocked=(~allowed).sum(), pairs=allowed.size
        )
    return describe(figure, told)


def _draw_read(
    axis: Axes,
    step: str,
    query: int,
    key: int,
    numbers: Mapping[str, np.ndarray],
    features: Sequence[str],
    tokens: Sequence[str],
) -> None:
    """What a step starts from: a row of Q and the key's row of K, or the query's row of the step before."""
    if step == ATTENTION_STEPS[0]:
        rows = np.stack([numbers["query"][query], numbers["key"][key]])
        names = [_("{matrix}, row {row}", matrix=matrix, row=row) for matrix, row in [("Q", query), ("K", key)]]
        show_numbers(axis, rows, names, features)
        axis.set_title(_("from these two rows"))
        return
    before = {"2 scaled": N_("scores"), "3 softmax": N_("scaled"), "4 output": N_("weights")}[step]
    name = _("{matrix}, row {row}", matrix=_(before), row=query)
    show_numbers(axis, numbers[before][query : query + 1], [name], tokens)
    axis.set_title(_("from this row"))


def _arithmetic(step: str, query: int, key: int, numbers: Mapping[str, np.ndarray], allowed: np.ndarray) -> list[str]:
    """The sentence of numbers that leads to one cell."""
    score, scaled, weight = (float(numbers[name][query, key]) for name in ("scores", "scaled", "weights"))
    if step == ATTENTION_STEPS[0]:
        q, k = numbers["query"][query], numbers["key"][key]
        products = " + ".join(f"{short(a)}·{short(b)}" for a, b in zip(q, k, strict=True))
        return [
            _(
                "query {query} · key {key} = {products} = {score}",
                query=query,
                key=key,
                products=products,
                score=short(score),
            )
        ]
    if step in ATTENTION_STEPS[1:3] and not allowed[query, key]:
        if step == ATTENTION_STEPS[1]:
            blocked = N_("query {query} may not look at key {key}: the mask makes {scaled} −∞")
        else:
            blocked = N_("query {query} may not look at key {key}: exp(−∞) = 0")
        return [_(blocked, query=query, key=key, scaled=short(scaled))]
    if step == ATTENTION_STEPS[1]:
        width = numbers["query"].shape[1]
        return [f"{short(score)} / √{width} = {short(scaled)}"]
    if step == ATTENTION_STEPS[2]:
        row = numbers["scaled"][query][allowed[query]]
        powers = " + ".join(f"exp({short(value)})" for value in row)
        return [
            f"exp({short(scaled)}) / ({powers})",
            f"= {np.exp(scaled):.2f} / {np.exp(row).sum():.2f} = {weight:.2f}",
        ]
    terms = " + ".join(
        _("{weight:.2f}·value {number}", weight=numbers["weights"][query, j], number=j)
        for j in np.flatnonzero(allowed[query])
    )
    return [terms, f"= {tell_row(numbers['output'][query])}"]


def _draw_shape(axis: Axes, token: int, row: int, column: int, colour: str, shape: str) -> None:
    axis.add_patch(Rectangle((column, row), 1, 1, facecolor="#F2F2F2", edgecolor=PAPER, linewidth=4))
    if shape == "circle":
        axis.add_patch(Circle((column + 0.5, row + 0.5), 0.28, facecolor=PAINT[colour]))
    else:
        axis.add_patch(Rectangle((column + 0.24, row + 0.24), 0.52, 0.52, facecolor=PAINT[colour]))
    axis.text(
        column + 0.5, row + 0.5, from_lesson(colour), ha="center", va="center", color=PAPER, weight="bold", fontsize=11
    )
    axis.text(column + 0.06, row + 0.16, str(token), color=VIT_HUE, weight="bold")


def _said(texts: Sequence[str]) -> list[str]:
    """What a lesson hands over, in its language."""
    return [from_lesson(text) for text in texts]


def _line(name: str) -> str:
    return name.replace("\n", " ")

"""A drawing of the three places where a picture and words can meet."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from vlmteach.language import N_, _
from vlmteach.views.style import INK, LANGUAGE_HUE, MUTED, PAPER, describe, new_figure

MEETINGS = ("one vector", "prefix", "cross-attention")
_TITLES = {
    "one vector": N_("one vector: the language model reads {length} tokens"),
    "prefix": N_("prefix: the language model reads {length} tokens"),
    "cross-attention": N_("cross-attention: the language model reads {length} tokens"),
}
_TOLD = {
    "one vector": N_(
        "One vector of {count} visual tokens and {words} words. All visual tokens are averaged into one, and that "
        "one is mixed into every word. The language model reads {length} tokens."
    ),
    "prefix": N_(
        "Prefix of {count} visual tokens and {words} words. Each visual token goes through the projector and stands "
        "in front of the words. The language model reads {length} tokens."
    ),
    "cross-attention": N_(
        "Cross-attention of {count} visual tokens and {words} words. Every word looks at every visual token and "
        "takes what it needs. The language model reads {length} tokens."
    ),
}
WORD = 2.3  # width of a word; a visual token is 1 wide


def draw_meeting(meeting: str, visual_tokens: int, words: Sequence[str]) -> Figure:
    """Visual tokens (grey) and words (green) that meet in "one vector", a "prefix" or by "cross-attention".

    Raises ValueError for another meeting.
    """
    if meeting not in MEETINGS:
        raise ValueError(f"meeting is {meeting!r}; expected one of {', '.join(MEETINGS)}.")
    figure, axis = new_figure(height=3.4)
    axis.set_axis_off()
    draw = {"one vector": _in_one_vector, "prefix": _in_one_sequence, "cross-attention": _by_asking}[meeting]
    length = draw(axis, visual_tokens, words)
    axis.set_xlim(-0.5, max(visual_tokens, len(words) * WORD) + 0.5)
    if meeting == "prefix":
        axis.set_xlim(-0.5, visual_tokens + len(words) * WORD + 0.5)
    axis.set_ylim(-1.2, 5.6)
    axis.set_title(_(_TITLES[meeting], length=length))
    return describe(figure, _(_TOLD[meeting], count=visual_tokens, words=len(words), length=length))


def _in_one_vector(axis: Axes, visual_tokens: int, words: Sequence[str]) -> int:
    middle = max(visual_tokens, len(words) * WORD) / 2
    seen = _visual_row(axis, middle - visual_tokens / 2, 0, visual_tokens)
    _box(axis, middle - 0.5, 2.1, 1, MUTED)
    axis.text(middle + 0.8, 2.5, _("one vector"), va="center")
    for x in seen:
        _arrow(axis, (x, 0.85), (middle, 2.05))
    for x in _word_row(axis, middle - len(words) * WORD / 2, 4.3, words):
        _arrow(axis, (middle, 2.95), (x, 4.25))
    return len(words)


def _in_one_sequence(axis: Axes, visual_tokens: int, words: Sequence[str]) -> int:
    for x in _visual_row(axis, 0, 0, visual_tokens):
        _arrow(axis, (x, 0.85), (x, 4.25))
    axis.text(
        visual_tokens / 2, 2.4, _("projector"), ha="center", va="center", bbox={"facecolor": PAPER, "edgecolor": INK}
    )
    _visual_row(axis, 0, 4.3, visual_tokens)
    _word_row(axis, visual_tokens, 4.3, words)
    return visual_tokens + len(words)


def _by_asking(axis: Axes, visual_tokens: int, words: Sequence[str]) -> int:
    middle = max(visual_tokens, len(words) * WORD) / 2
    seen = _visual_row(axis, middle - visual_tokens / 2, 0, visual_tokens)
    for word in _word_row(axis, middle - len(words) * WORD / 2, 4.3, words):
        for x in seen:
            axis.plot([word, x], [4.25, 0.85], color=MUTED, linewidth=0.8, zorder=0)
    return len(words)


def _visual_row(axis: Axes, left: float, bottom: float, count: int) -> list[float]:
    if bottom == 0:
        axis.text(left + count / 2, -0.35, _("{count} visual tokens", count=count), ha="center", va="top")
    for index in range(count):
        _box(axis, left + index + 0.08, bottom, 0.84, MUTED)
    return [left + index + 0.5 for index in range(count)]


def _word_row(axis: Axes, left: float, bottom: float, words: Sequence[str]) -> list[float]:
    middles = []
    for index, word in enumerate(words):
        _box(axis, left + index * WORD + 0.1, bottom, WORD - 0.2, LANGUAGE_HUE)
        middles.append(left + (index + 0.5) * WORD)
        axis.text(middles[-1], bottom + 0.4, word, color=PAPER, weight="bold", ha="center", va="center")
    return middles


def _box(axis: Axes, left: float, bottom: float, width: float, colour: str) -> None:
    axis.add_patch(Rectangle((left, bottom), width, 0.8, facecolor=colour, edgecolor=PAPER))


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=10, color=INK, linewidth=0.9))

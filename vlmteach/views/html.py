"""Figures as HTML: a picture that carries its own description, wherever a notebook is read."""

from __future__ import annotations

import base64
import html
import io
import re
import warnings
from typing import Any

from matplotlib.figure import Figure

from vlmteach.language import _
from vlmteach.views.style import alt_text

_SAVED_AS: dict[str, dict[str, Any]] = {
    "png": {"metadata": {"Software": None}},
    "webp": {"pil_kwargs": {"quality": 75}},  # a seventh of the bytes, slightly blurred
}
_NO_GLYPH = re.compile(r"Glyph (\d+) .*missing from")  # matplotlib warns so of each letter
_MOST_NAMED = 8  # letters in a sentence


def figure_html(figure: Figure) -> str:
    """The figure as one <img> with its alt text, and a sentence where its letters are in no font of this computer.

    Raises ValueError when the figure has no alt text.
    """
    return _img(figure, alt_text(figure))


def still_html(figure: Figure) -> str:
    """The same in few bytes, for a picture that only stands in for something."""
    return _img(figure, alt_text(figure), "webp")


def show_figures_as_html(shell: Any) -> None:
    """Make an IPython shell show every figure as an <img> with alt text; course.start calls it.

    A figure a student makes with pyplot has no description yet, and its alt text says so.
    """
    formatters = shell.display_formatter.formatters
    # Named by module path: pyplot's own set-up replaces the png printer when it is first used, the html one stays.
    formatters["text/html"].for_type(
        Figure, lambda figure: _img(figure, figure.get_label() or _("A figure without alt text."))
    )


def _img(figure: Figure, alt: str, kind: str = "png") -> str:
    buffer = io.BytesIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", _NO_GLYPH.pattern)
        figure.savefig(buffer, format=kind, **_SAVED_AS[kind])
    missing = [_NO_GLYPH.match(str(warning.message)) for warning in caught]
    for warning, letter in zip(caught, missing, strict=True):
        if letter is None:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    letters = dict.fromkeys(chr(int(letter[1])) for letter in missing if letter)
    source = base64.b64encode(buffer.getvalue()).decode("ascii")
    # alt comes first: a text view of the notebook cuts long outputs, and the description is what should remain
    picture = (
        f'<img alt="{html.escape(alt)}" style="max-width: 100%; height: auto" src="data:image/{kind};base64,{source}">'
    )
    return picture + (_no_font(list(letters)) if letters else "")


def _no_font(letters: list[str]) -> str:
    named = "".join(letters[:_MOST_NAMED]) + ("…" if len(letters) > _MOST_NAMED else "")
    return (
        '<p role="note">'
        + _(
            "No font of this computer has the letters {letters}, so the figure shows boxes in their place. Install one "
            "that has them, such as Noto Sans CJK for Japanese, Chinese and Korean, and restart the kernel.",
            letters=html.escape(named),
        )
        + "</p>"
    )

"""Figures as HTML: a picture that carries its own description, wherever a notebook is read."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

from matplotlib.figure import Figure

from vlmteach.views.style import alt_text


def figure_html(figure: Figure) -> str:
    """The figure as one <img> with its alt text. Raises ValueError when the figure has none."""
    return _img(figure, alt_text(figure))


def show_figures_as_html(shell: Any) -> None:
    """Make an IPython shell show every figure as an <img> with alt text; course.start calls it.

    A figure a student makes with pyplot has no description yet, and its alt text says so.
    """
    formatters = shell.display_formatter.formatters
    # Named by module path: pyplot's own set-up replaces the png printer when it is first used, the html one stays.
    formatters["text/html"].for_type(
        Figure, lambda figure: _img(figure, figure.get_label() or "A figure without alt text.")
    )


def _img(figure: Figure, alt: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    source = base64.b64encode(buffer.getvalue()).decode("ascii")
    # alt comes first: a text view of the notebook cuts long outputs, and the description is what should remain
    return f'<img alt="{html.escape(alt)}" style="max-width: 100%; height: auto" src="data:image/png;base64,{source}">'

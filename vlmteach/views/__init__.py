"""Pictures of numbers: pure draw functions, controls and the explorer. Nothing here computes a model quantity."""

from vlmteach.views.explore import Explorer, explore
from vlmteach.views.html import figure_html, show_figures_as_html
from vlmteach.views.style import CNN, HEAT, INK, LANGUAGE, MUTED, VIT, alt_text, describe, new_figure, use_style
from vlmteach.views.systems import SystemsView

__all__ = [
    "CNN",
    "HEAT",
    "INK",
    "LANGUAGE",
    "MUTED",
    "VIT",
    "Explorer",
    "SystemsView",
    "alt_text",
    "describe",
    "explore",
    "figure_html",
    "new_figure",
    "show_figures_as_html",
    "use_style",
]

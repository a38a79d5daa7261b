"""Pictures of numbers: pure draw functions, controls and the explorer. Nothing here computes a model quantity."""

from vlmteach.home import lend_matplotlib_a_folder

lend_matplotlib_a_folder()

from vlmteach.views.explore import Explorer, explore
from vlmteach.views.html import figure_html, show_figures_as_html
from vlmteach.views.line import Line
from vlmteach.views.live import LiveFigure
from vlmteach.views.patchview import PatchView
from vlmteach.views.patchview_figure import draw_patchview, explore_patchview
from vlmteach.views.scene_board import SceneBoard
from vlmteach.views.style import (
    CNN_HUE,
    HEAT,
    INK,
    LANGUAGE_HUE,
    MUTED,
    VIT_HUE,
    alt_text,
    describe,
    new_figure,
    use_style,
)
from vlmteach.views.systems import SystemsView

__all__ = [
    "CNN_HUE",
    "HEAT",
    "INK",
    "LANGUAGE_HUE",
    "MUTED",
    "VIT_HUE",
    "Explorer",
    "Line",
    "LiveFigure",
    "PatchView",
    "SceneBoard",
    "SystemsView",
    "alt_text",
    "describe",
    "draw_patchview",
    "explore",
    "explore_patchview",
    "figure_html",
    "new_figure",
    "show_figures_as_html",
    "use_style",
]

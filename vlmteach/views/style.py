"""One look for every figure: width, fonts, and a palette in which each family keeps its hue."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from vlmteach.views.rounding import ROUNDING

# Okabe and Ito's colours, which stay apart for every common form of colour blindness.
CNN_HUE = "#D55E00"  # vermilion: anything convolutional
VIT_HUE = "#0072B2"  # blue: anything that attends over patches
LANGUAGE_HUE = "#009E73"  # green: words and the language model
INK = "#1A1A1A"  # text and lines
MUTED = "#6E6E6E"  # what is there for comparison
PAPER = "#FFFFFF"  # figures keep a white card in light and dark themes
HEAT = "cividis"  # one ordered colour scale for every heat map, readable without colour
SIGNED = "PuOr_r"  # for numbers of both signs: white at 0, orange above, purple below

# Marks and dashes tell apart, also without colour, what shares a figure: the first curve takes the first of each.
MARKS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R BT.601

# Fonts with the letters of Japanese, Chinese and Korean, as Linux, Android, macOS and Windows bring them
JAPANESE_FONT = "IPAexGothic"
CJK_FONTS = (
    *(JAPANESE_FONT, "Noto Sans CJK JP", "Noto Sans JP", "Hiragino Sans", "Yu Gothic", "Meiryo", "IPAGothic"),
    *("Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei"),
    *("Noto Sans CJK KR", "Noto Sans KR", "Apple SD Gothic Neo", "AppleGothic", "Malgun Gothic", "NanumGothic"),
    *("WenQuanYi Zen Hei", "VL Gothic", "Arial Unicode MS", "Droid Sans Fallback"),
)

WIDTH = 9.0  # inches: one width for every figure
DPI = 110


def use_style() -> None:
    """Give every figure made from now on the course's look; course.start calls it.

    Japanese letters come from the font in the package matplotlib-fontja, where it is installed; these, Chinese and
    Korean ones from whichever fonts for them this computer has.
    """
    matplotlib.style.use("vlmteach.views.course")
    installed = set(font_manager.get_font_names())
    font = packaged_font()
    if font is not None and JAPANESE_FONT not in installed:
        fonts = font_manager.fontManager
        fonts.addfont(font)
        # it has one weight, and matplotlib would complain below each figure with bold words
        fonts.ttflist.append(dataclasses.replace(fonts.ttflist[-1], weight=700))
        installed.add(JAPANESE_FONT)
    # matplotlib goes on to the next family glyph by glyph, and complains of families that are not there
    matplotlib.rcParams["font.family"] = ["sans-serif", *(name for name in CJK_FONTS if name in installed)]


def packaged_font() -> Path | None:
    """The file of the font that the package matplotlib-fontja brings, None where it is not installed."""
    package = importlib.util.find_spec("matplotlib_fontja")  # not imported: that would change matplotlib's settings
    if package is None or package.origin is None:
        return None
    return Path(package.origin).with_name("fonts") / "ipaexg.ttf"


def new_figure(rows: int = 1, columns: int = 1, *, height: float, **grid: Any) -> tuple[Figure, Any]:
    """A figure of the course's width, outside pyplot, so that it is shown once and never kept alive.

    rows, columns: the grid of axes. height: inches. grid: passed on to Figure.subplots (width_ratios, sharex, …).
    Returns the figure and its axes, as Figure.subplots gives them.
    """
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=PAPER, layout="constrained")
    return figure, figure.subplots(rows, columns, **grid)


def new_sheet(height: float) -> tuple[Figure, Axes]:
    """A figure of the course's width and one pair of axes that counts inches from its upper left corner.

    For what a control draws again and again: a layout of many axes takes several times as long as what stands in them.
    """
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=PAPER)
    sheet = figure.add_axes((0, 0, 1, 1))
    sheet.set_axis_off()
    sheet.set(xlim=(0, WIDTH), ylim=(height, 0), autoscale_on=False)
    return figure, sheet


def describe(figure: Figure, text: str) -> Figure:
    """Give a figure its alt text, written from the numbers that drew it, and return the figure."""
    if not text.strip():
        raise ValueError("a figure's alt text is empty; expected a sentence made from the numbers that drew it.")
    figure.set_label(text)
    return figure


def alt_text(figure: Figure) -> str:
    """The alt text of a figure. Raises ValueError when it has none: every draw function ends with describe()."""
    text = str(figure.get_label())
    if not text:
        raise ValueError("this figure has no alt text; end its draw function with `return describe(figure, text)`.")
    return text


def show_picture(axes: Axes, picture: np.ndarray, title: str = "") -> None:
    """Draw a picture (H, W, 3) in [0, 1] without ticks; pixel edges lie at whole numbers, as box coordinates do."""
    height, width = picture.shape[:2]
    axes.imshow(picture, extent=(0, width, height, 0), vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title)


def ink_on(face: Any) -> str:
    """The colour of letters on a face of this colour: black on a bright one, white on a dark one."""
    return INK if np.dot(to_rgb(face), LUMINANCE) > 0.45 else PAPER


def scale_ends(maps: Sequence[np.ndarray], common: bool = False) -> list[float]:
    """Where the heat of each map of weights (h, w) ends: at its largest weight, or for all at the largest of all.

    Never below twice an even share: a map without any preference lies in the middle of the scale, not at its top.
    """
    ends = [max(float(weights.max()), 2 / weights.size) for weights in maps]
    return [max(ends)] * len(ends) if common else ends


def show_cells(axes: Axes, values: np.ndarray, largest: float) -> None:
    """Draw values of cells (h, w) as heat from 0 to `largest`, without ticks; cell edges lie at whole numbers.

    Where no value is larger than rounding, all cells are dark.
    """
    height, width = values.shape
    axes.imshow(values, cmap=HEAT, vmin=0, vmax=max(float(largest), ROUNDING), extent=(0, width, height, 0))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)

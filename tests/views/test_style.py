import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from vlmteach.views import CNN_HUE, HEAT, INK, LANGUAGE_HUE, MUTED, VIT_HUE, new_figure
from vlmteach.views.style import PAPER, WIDTH, show_picture

# How a person without the long, middle or short cones sees a colour (Machado et al. 2009, full loss).
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb.clip(0, 1)
    f = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 1e-9))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_palette_is_the_one_the_course_speaks_of() -> None:
    assert (CNN_HUE, VIT_HUE, LANGUAGE_HUE) == ("#D55E00", "#0072B2", "#009E73")


@pytest.mark.parametrize("sight", DEFICIENCIES)
def test_the_three_families_stay_apart_for_every_kind_of_sight(sight: str) -> None:
    seen = [lab(np.array(DEFICIENCIES[sight]) @ linear(colour)) for colour in (CNN_HUE, VIT_HUE, LANGUAGE_HUE)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


@pytest.mark.parametrize("colour", [CNN_HUE, VIT_HUE, LANGUAGE_HUE, MUTED])
def test_every_colour_is_readable_on_paper(colour: str) -> None:
    luminance = [linear(c) @ [0.2126, 0.7152, 0.0722] for c in (colour, PAPER)]
    assert (luminance[1] + 0.05) / (luminance[0] + 0.05) >= 3.0  # WCAG's least contrast for graphics


def test_every_figure_has_one_width_and_stays_out_of_pyplot() -> None:
    from matplotlib import pyplot

    figure, axes = new_figure(2, 3, height=4.0)
    assert figure.get_size_inches().tolist() == [WIDTH, 4.0]
    assert axes.shape == (2, 3)
    assert pyplot.get_fignums() == []


def test_text_is_readable_from_the_back_row() -> None:
    sizes = ["font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"]
    assert min(float(matplotlib.rcParams[name]) for name in sizes) >= 11


def test_the_style_file_repeats_the_palette() -> None:
    assert to_rgb(matplotlib.rcParams["text.color"]) == to_rgb(INK)
    assert to_rgb(matplotlib.rcParams["figure.facecolor"]) == to_rgb(PAPER)
    assert matplotlib.rcParams["image.cmap"] == HEAT


def test_a_picture_is_drawn_in_pixel_coordinates() -> None:
    _, axes = new_figure(height=2)
    show_picture(axes, np.zeros((20, 30, 3)))
    assert axes.get_xlim() == (0, 30)
    assert axes.get_ylim() == (20, 0)

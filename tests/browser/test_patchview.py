"""The explorer's page in a real browser: opened from disk, the network off, every outside address a failure."""

import dataclasses
import itertools
from contextlib import contextmanager

import numpy as np
import pytest
from support.patchview import HEADS, synthetic_patchview, synthetic_words
from support.readable import contrast, cut_off

from vlmteach.language import use_language
from vlmteach.probes.patchview import Heat
from vlmteach.views.patchview import PatchView
from vlmteach.views.patchview_words import READOUTS, facts_of

pytestmark = pytest.mark.browser

DIGITS = {readout.key: (readout.digits, f" {readout.unit}" if readout.unit else "") for readout in READOUTS}
HOSTILE = "<img src=x onerror='window.hacked = 1'></script><script>window.hacked = 1</script>"

# What a person reads of one panel: {key: text}.
READ = """(panel) => Object.fromEntries([...document.querySelectorAll("tbody tr")].map((row) => {
  const cell = row.querySelectorAll("td")[panel];
  return [cell.dataset.key, cell.textContent];
}))"""
PICTURE = "(panel) => document.querySelectorAll('canvas')[panel].toDataURL()"
RED = """(panel) => {
  const canvas = document.querySelectorAll("canvas")[panel];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.height, canvas.width, Array.from(data.filter((_, i) => i % 4 === 0))];
}"""
# Click the middle of each of these cells of 8 x 8, as a pointer would, and read the panels after each.
CLICK_AND_READ = """([cells, panels]) => cells.map(([row, column]) => {
  const canvas = document.querySelector("canvas");
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const place = { clientX: left + (column + 0.5) * width / 8, clientY: top + (row + 0.5) * height / 8 };
  canvas.dispatchEvent(new MouseEvent("click", { bubbles: true, ...place }));
  return Array.from({ length: panels }, (_, panel) => (READ)(panel));
})""".replace("READ", READ)


@pytest.fixture
def open_view(new_page, tmp_path):
    """A function that opens a view from disk; afterwards: no error on the console, no request to the outside."""

    def open_page(data, width=1100, hash_="", **options):
        page, file = new_page(width, **options), tmp_path / "view.html"
        file.write_text(PatchView(data).to_html(), encoding="utf-8")
        page.goto(file.as_uri() + hash_)
        page.wait_for_selector("canvas")
        return page

    return open_page


def read(page, panel):
    return page.evaluate(READ, panel)


def pixels(page, panel):
    return page.evaluate(PICTURE, panel)


def at_cell(page, panel, row, column, rows=8, columns=8):
    """Where the middle of a cell lies on the page."""
    box = page.locator("canvas").nth(panel).bounding_box()
    return box["x"] + (column + 0.5) * box["width"] / columns, box["y"] + (row + 0.5) * box["height"] / rows


def printed(key, number):
    digits, unit = DIGITS[key]
    return f"{float(number):.{digits}f}{unit}"


def caption(page):
    return page.locator("caption").text_content()


def focus_stage(page):
    """Reach the pictures with the Tab key alone."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "panels":
            return
    raise AssertionError("the Tab key never reached the pictures")


def test_a_click_in_any_panel_changes_and_pins_all_panels(open_view):
    page = open_view(synthetic_patchview())
    for clicked, cell in enumerate([(1, 2), (6, 5), (3, 7)]):
        before = [pixels(page, panel) for panel in range(3)]
        page.mouse.click(*at_cell(page, clicked, *cell))
        page.mouse.move(1, 1)
        assert all(pixels(page, panel) != before[panel] for panel in range(3))
        assert caption(page) == f"Cell {cell}"


def test_pointing_previews_and_leaving_returns_to_the_pinned_cell(open_view):
    page = open_view(synthetic_patchview())
    pinned, numbers = pixels(page, 1), read(page, 1)
    page.mouse.move(*at_cell(page, 1, 0, 0))
    assert pixels(page, 1) != pinned
    assert read(page, 1) != numbers
    assert "Cell (4, 4)" in page.locator("[role=status]").text_content()  # a screen reader is not told of previews
    page.mouse.move(1, 1)
    assert pixels(page, 1) == pinned
    assert read(page, 1) == numbers


def test_every_layer_head_and_cell_shows_the_numbers_that_python_measured(open_view):
    data = synthetic_patchview()
    page = open_view(data)
    page.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    for stop, head in itertools.product(range(3), range(len(HEADS))):
        page.locator("input[type=range]").fill(str(stop))
        page.locator("input[type=radio]").nth(head).check()
        kinds = [HEADS[head] if panel.maps == HEADS else "".join(panel.maps[:1]) for panel in data.panels]
        assert page.locator(".kind").all_text_contents() == kinds
        cells = list(np.ndindex(8, 8))
        for (row, column), shown in zip(cells, page.evaluate(CLICK_AND_READ, [cells, 3]), strict=True):
            for panel, texts in zip(data.panels, shown, strict=True):
                layer = panel.layers[stop]
                which = head if panel.maps == HEADS else 0
                for key, values in layer.numbers.items():
                    assert texts[key] == facts_of(layer).get(key, printed(key, values[which, row, column]))


def test_the_keyboard_alone_is_enough(open_view):
    page = open_view(synthetic_patchview())
    focus_stage(page)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    steps = [
        ("ArrowUp", "(3, 4)"),
        ("ArrowLeft", "(3, 3)"),
        ("ArrowDown", "(4, 3)"),
        ("ArrowRight", "(4, 4)"),
        ("Home", "(4, 0)"),
        ("ArrowLeft", "(4, 0)"),
        ("End", "(4, 7)"),
        ("ArrowRight", "(4, 7)"),
    ]
    for key, cell in steps:
        page.keyboard.press(key)
        assert caption(page) == f"Cell {cell}"
        assert f"Cell {cell}" in page.locator("[role=status]").text_content()
    for key, stop in [("-", "2"), ("-", "1"), ("-", "1"), ("+", "2"), ("+", "3"), ("+", "3")]:
        page.keyboard.press(key)
        assert page.locator("output").text_content() == f"{stop} of 3"
    page.keyboard.press("o")
    page.keyboard.press("ArrowUp")
    assert caption(page) == "Cell (4, 7) · Marked cell (3, 4)"
    page.keyboard.press("Escape")
    assert caption(page) == "Cell (4, 7)"


def test_hiding_a_cell_shows_the_measured_change_beside_its_weight(open_view):
    data = synthetic_patchview()
    page = open_view(data)
    assert read(page, 2)["change"] == "–"
    page.get_by_role("button", name="Occlude a cell").click()
    assert page.get_by_role("button").get_attribute("aria-pressed") == "true"
    for cell in [(0, 0), (5, 3), (4, 4)]:
        before = pixels(page, 0)
        page.mouse.click(*at_cell(page, 2, *cell))
        assert caption(page) == f"Cell (4, 4) · Marked cell {cell}"
        assert pixels(page, 0) != before
        for panel in (1, 2):
            layer, texts = data.panels[panel].layers[2], read(page, panel)
            assert texts["weight"] == told(layer.weights[0], (4, 4), cell, 3, "")
            assert texts["change"] == told(layer.change, (4, 4), cell, 1, " %")


def test_no_effect_reads_differently_from_little_effect(open_view):
    page = open_view(synthetic_patchview())
    page.locator("input[type=range]").fill("0")  # the box of 15 pixels
    page.get_by_role("button").click()
    page.mouse.click(*at_cell(page, 1, 0, 0))
    assert read(page, 1)["change"] == "0 %"
    page.locator("input[type=range]").fill("2")
    page.mouse.click(*at_cell(page, 1, 0, 0))
    assert read(page, 1)["change"].startswith("≤ ")


def told(heat, unit_place, square, digits, unit):
    level, value = heat.levels[*unit_place, *square], heat.value(*unit_place, *square)
    if level < 2:
        return f"≤ {value:.1g}{unit}" if level else f"0{unit}"
    return f"{value:.{digits}f}{unit}"


def test_fewer_units_and_larger_squares_than_cells_answer_for_the_nearest(open_view):
    full = synthetic_patchview(panels=(2,))
    layer = full.panels[0].layers[2]
    few = [Heat(heat.levels[1::2, 1::2], heat.peak[1::2, 1::2]) for heat in layer.maps]
    squares = [Heat(heat.levels[:, :, ::2, ::2].copy(), heat.peak) for heat in few]
    coarse = dataclasses.replace(
        layer,
        rows=(1, 3, 5, 7),
        columns=(1, 3, 5, 7),
        maps=tuple(few),
        weights=tuple(squares),
        change=squares[1],
        numbers={key: values[:, 1::2, 1::2].copy() for key, values in layer.numbers.items()},
    )
    panel = dataclasses.replace(full.panels[0], layers=(coarse,), at=(0, 0, 0))
    page = open_view(dataclasses.replace(full, panels=(panel,), squares=(4, 4)))
    cells = [(0, 0), (1, 2), (6, 3), (7, 7), (4, 5)]
    for (row, column), (texts,) in zip(cells, page.evaluate(CLICK_AND_READ, [cells, 1]), strict=True):
        assert texts["peak"] == printed("peak", coarse.numbers["peak"][0, row // 2, column // 2])
    page.get_by_role("button").click()  # the asking cell stays (4, 5)
    cells = [(0, 7), (3, 2), (7, 7), (5, 0)]
    for (row, column), (texts,) in zip(cells, page.evaluate(CLICK_AND_READ, [cells, 1]), strict=True):
        assert texts["weight"] == told(squares[0], (2, 2), (row // 2, column // 2), 3, "")


def test_the_theoretical_box_is_bright_and_everything_else_is_dark(open_view):
    data = synthetic_patchview()
    page = open_view(data)
    page.locator("input[type=range]").fill("0")
    top, left, _, right = (int(edge) for edge in data.panels[0].layers[0].boxes[4, 4])
    height, side, red = page.evaluate(RED, 0)
    image = np.array(red).reshape(height, side)
    scale = side / 64
    inside = image[int((top + 1.5) * scale), int((left + 1.5) * scale) : int((right - 1.5) * scale)]
    outside = np.delete(image[int(2 * scale)], np.s_[int(33 * scale) : int(49 * scale)])
    assert abs(inside - 90).max() <= 1  # the picture's own grey
    assert outside.max() < 60


def test_words_ask_and_cells_answer(open_view):
    data = synthetic_words()
    page = open_view(data)
    layer = data.panels[0].layers[0]
    for word, head in itertools.product(range(4), range(2)):
        page.get_by_label(data.panels[0].words[word], exact=True).check()
        page.get_by_label(f"head {head}", exact=True).check()
        weights = layer.weights[head]
        row, column = np.argwhere(weights.levels[0, word] > 1)[word]
        page.mouse.click(*at_cell(page, 0, row, column))
        assert read(page, 0)["weight"] == f"{weights.value(0, word, row, column):.3f}"
        assert read(page, 0)["peak"] == printed("peak", layer.numbers["peak"][head, 0, word])
    assert not page.get_by_role("button").is_visible()  # cells are read from the start
    assert not page.locator("input[type=range]").is_visible()  # one layer needs no slider


@pytest.mark.parametrize("panels", [(0,), (2,), (0, 1), (0, 1, 2)])
@pytest.mark.parametrize("width", [360, 700, 1400])
def test_any_panels_fit_any_page_width(open_view, panels, width):
    page = open_view(synthetic_patchview(panels=panels), width=width)
    assert page.locator("canvas").count() == len(panels)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in (page.locator("canvas").nth(i).bounding_box() for i in range(len(panels))):
        assert box["x"] + box["width"] <= width
        assert abs(box["width"] - box["height"]) < 1.5  # a square picture stays square
    assert cut_off(page.locator(":is(h3, .layer, .unit, .kind)")) == []
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_function("document.documentElement.scrollWidth <= 500")


def test_titles_and_labels_show_as_text(open_view):
    data = synthetic_patchview(title=HOSTILE, names=(HOSTILE, "blocks.0", "blocks.1"))
    page = open_view(data)
    page.locator("input[type=range]").fill("0")
    assert page.locator("h2").text_content() == HOSTILE
    assert page.locator(".layer").first.text_content() == HOSTILE
    words = open_view(synthetic_words(words=(HOSTILE, "b", "c", "d")))
    assert words.locator(".chip").first.text_content() == HOSTILE
    assert page.evaluate("window.hacked") is None
    assert words.evaluate("window.hacked") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_colour_schemes(open_view, scheme):
    page = open_view(synthetic_patchview(), color_scheme=scheme)
    for selector in ("h2", ".stop", ".unit", ".kind", "tbody th", "tbody td", ".help", "button", ".chip span"):
        assert contrast(page, selector) >= 4.5, selector  # WCAG 2, level AA


def test_a_finger_pins_a_cell(open_view):
    page = open_view(synthetic_patchview(), has_touch=True)
    page.touchscreen.tap(*at_cell(page, 1, 2, 6))
    assert caption(page) == "Cell (2, 6)"


def test_a_link_opens_a_layer_a_cell_and_a_hidden_cell_and_what_is_chosen_is_in_the_link(open_view):
    page = open_view(synthetic_patchview(), hash_="#layer=2&cell=6-1&hide=0-7")
    assert page.locator("output").text_content() == "2 of 3"
    assert caption(page) == "Cell (6, 1) · Marked cell (0, 7)"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Occlude a cell").click()
    page.mouse.click(*at_cell(page, 0, 3, 3))
    page.wait_for_function("window.location.hash === '#layer=2&cell=3-3'")
    page.evaluate("window.location.hash = '#layer=1&hide=5-5'")
    page.wait_for_function("document.querySelector('caption').textContent === 'Cell (4, 4) · Marked cell (5, 5)'")
    page.evaluate("window.postMessage({ vlmteach: '#layer=3&cell=0-0' }, '*')")
    page.wait_for_function("document.querySelector('caption').textContent === 'Cell (0, 0)'")
    assert page.locator("output").text_content() == "3 of 3"


def test_in_japanese_what_the_script_says_is_japanese(open_view):
    use_language("ja")
    try:
        page = open_view(synthetic_patchview(), hash_="#layer=2&cell=6-1&hide=0-7")
    finally:
        use_language("en")
    assert page.locator("output").text_content() == "2 / 3"
    assert caption(page) == "セル(6, 1) · 印を付けたセル(0, 7)"
    page.get_by_role("button", name="セルを隠す").click()
    assert caption(page) == "セル(6, 1)"


@pytest.mark.parametrize(
    "hash_",
    ["#", "#layer=0&cell=8-0&hide=0-8", "#layer=99&cell=-1-0&hide=x", "#layer=%E0&cell=%&cell", "#layer=1.5&hide="],
)
def test_a_damaged_link_opens_the_view_as_it_starts(open_view, hash_):
    page = open_view(synthetic_patchview(), hash_=hash_)
    assert page.locator("output").text_content() == "3 of 3"
    assert caption(page) == "Cell (4, 4)"


@contextmanager
def framed(chromium, tmp_path, width):
    """The view as a notebook shows it: a frame inside a page."""
    bundle = PatchView(synthetic_patchview())._repr_mimebundle_()
    file = tmp_path / "notebook.html"
    file.write_text(f"<!doctype html><body>{bundle['text/html']}</body>", encoding="utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.goto(file.as_uri())
    page.frame_locator("iframe").locator("canvas").first.wait_for()
    yield page
    page.close()


@pytest.mark.parametrize("width", [420, 1200])
def test_inside_a_notebook_the_frame_grows_to_its_content(chromium, tmp_path, width):
    with framed(chromium, tmp_path, width) as page:
        inner = page.frames[1]
        inner.wait_for_function("innerHeight >= document.documentElement.scrollHeight")
        assert inner.evaluate("innerHeight - document.getElementById('explorer').offsetHeight") <= 4


def test_the_still_picture_is_shown_as_long_as_the_page_does_not_run(chromium, tmp_path):
    with framed(chromium, tmp_path, 1200) as page:
        page.locator("img").wait_for(state="hidden")
        file = page.url
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file)
    assert page.locator("img").is_visible()
    assert page.get_by_text("This stands in for an interactive view.").is_visible()
    context.close()

"""The explorer where lessons show it: in a frame inside JupyterLab, beside others, after Run All."""

import nbformat
import pytest
from support.patchview import synthetic_patchview

from vlmteach.course.systems import load_systems
from vlmteach.views import PatchView, SystemsView

pytestmark = pytest.mark.browser

MAKE = """
import torch
from vlmteach.nn import ConvNet, VisionTransformer
from vlmteach.probes import measure_patchview
from vlmteach.views import PatchView

torch.manual_seed(0)
encoders = ConvNet(dim=16, dilations=(1, 1)).eval(), VisionTransformer(64, 8, 32, depth=2, num_heads=4).eval()
data = measure_patchview(*encoders, torch.rand(3, 64, 64))
PatchView(data)
"""
NUMBERS = "[float(panel.layers[-1].numbers['distance'][0, 2, 6]) for panel in data.panels]"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
PICTURE = "() => document.querySelector('canvas').toDataURL()"


@pytest.fixture(scope="module")
def page(lab):
    cells = [nbformat.v4.new_code_cell(source) for source in (MAKE, "PatchView(data)", "PatchView(data)", NUMBERS)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / "view.ipynb")
    with lab.ran("view.ipynb") as page:
        yield page


VIEWS = {
    "explorer": lambda: PatchView(synthetic_patchview()),
    "table of systems": lambda: SystemsView(load_systems().as_view()),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_stored_view_that_jupyterlab_does_not_trust_is_a_picture_or_a_table_with_a_sentence(lab, name):
    bundle = VIEWS[name]()._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data=bundle, execution_count=1)
    cell = nbformat.v4.new_code_cell("view", execution_count=1, outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL}), lab.folder / "stored.ipynb")
    with lab.page() as page:
        page.goto(lab.page_of("stored.ipynb"), timeout=90_000)
        shown = page.locator(".jp-OutputArea-output")
        shown.get_by_text("run this cell or trust the notebook").wait_for(timeout=90_000)
        assert shown.locator("iframe").count() == 0
        if name == "explorer":
            picture = shown.locator("img")
            assert picture.get_attribute("alt").startswith("One cell, three views, cell (")
            assert picture.evaluate("img => img.complete && img.naturalWidth") == 990
        else:
            assert shown.locator("th[scope=row]").count() == len(load_systems().rows)
            assert "LLaVA" in shown.inner_text()


def test_in_jupyterlab_a_click_changes_the_pixels_and_shows_the_kernels_numbers(page):
    frames = [frame for frame in page.frames if frame.parent_frame is not None]
    assert len(frames) == 3
    expected = eval(page.locator(".jp-OutputArea-output pre").last.inner_text())
    for frame in frames:
        canvas = frame.locator("canvas").first
        canvas.scroll_into_view_if_needed()
        before = frame.evaluate(PICTURE)
        box = canvas.bounding_box()
        page.mouse.click(box["x"] + box["width"] * 6.5 / 8, box["y"] + box["height"] * 2.5 / 8)
        assert frame.evaluate(PICTURE) != before
        assert frame.locator("caption").text_content() == "Cell (2, 6)"
        shown = frame.locator("[data-key=distance]").all_text_contents()
        assert shown == [f"{number:.1f} px" for number in expected]


def test_in_jupyterlab_the_keyboard_moves_the_cell_and_not_the_notebook(page):
    frame = next(frame for frame in page.frames if frame.parent_frame is not None)
    frame.locator(".panels").focus()
    before = frame.locator("caption").text_content()
    top = page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTop")
    page.keyboard.press("ArrowUp")
    assert frame.locator("caption").text_content() != before
    page.keyboard.press("o")
    assert "Marked cell" in frame.locator("caption").text_content()
    assert page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTop") == top


def test_a_notebook_with_three_views_stays_below_three_mebibyte(page, lab):
    file = lab.folder / "view.ipynb"
    page.locator(".jp-InputPrompt").last.click()
    page.keyboard.press("Control+s")
    for _ in range(100):
        if file.stat().st_size > 100_000:
            break
        page.wait_for_timeout(100)
    assert 100_000 < file.stat().st_size < 3 * 2**20


def test_a_view_that_runs_shows_nothing_else(page):
    assert page.locator(".jp-OutputArea-output img").count() == 3
    assert not any(image.is_visible() for image in page.locator(".jp-OutputArea-output img").all())

"""From a person's click to changed pixels: PatchView, against the same panels by interact and matplotlib.

    python -m benchmarks explorer

One notebook in JupyterLab shows both; their actions alternate, so that a busy machine slows both alike. A time starts
with the browser's own stamp of the input event and ends when the frame that shows the change has been handed to the
screen; that the pixels did change is checked each time. The same page, opened from disk, is timed too.
The bound we keep: median of PatchView at most 16 ms, one frame at 60 Hz.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Frame, Page

from benchmarks._rows import Bound, Row

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the tests' browser is the benchmark's
from support.browser import launch_chromium
from support.lab import jupyterlab

JOB = "click to changed pixels, three panels of a 64 px picture"
ROUNDS = 60
WARM_UP = 5
BOUND = Bound(16, of="amount")

DATA = """
import torch
from vlmteach.nn import ConvNet, VisionTransformer
from vlmteach.probes import measure_patchview
from vlmteach.views import PatchView, draw_patchview

torch.manual_seed(0)
encoders = ConvNet(dim=32, dilations=(1, 1, 1)).eval(), VisionTransformer(64, 8, 48, depth=4, num_heads=4).eval()
data = measure_patchview(*encoders, torch.rand(3, 64, 64))
PatchView(data)
"""
BY_INTERACT = """
%matplotlib inline
import ipywidgets
from IPython.display import display

def draw(column):
    figure = draw_patchview(data, 2, (3, column))
    display(figure)

ipywidgets.interact(draw, column=ipywidgets.IntSlider(min=0, max=7));
"""
SAVE = "open('view.html', 'w').write(PatchView(data).to_html())"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}

# Both watchers write the milliseconds from the input event's stamp to the frame after the change into window.times.
WATCH_CANVAS = """() => {
  window.times = [];
  const canvas = document.querySelector("canvas");
  addEventListener("click", (event) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.times.push(performance.now() - event.timeStamp);
      port2.postMessage(null);
    });
  }, { capture: true });
}"""
WATCH_OUTPUT = """() => {
  window.times = [];
  let started = null;
  addEventListener("keydown", (event) => { started = event.timeStamp; }, { capture: true });
  new MutationObserver(() => {
    const image = document.querySelector(".jupyter-widgets img");
    if (started === null || !image || image.src === window.last) return;
    const start = started;
    started = null;
    window.last = image.src;
    image.decode().then(() => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.times.push(performance.now() - start);
      port2.postMessage(null);
    }));
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["src"] });
}"""
PICTURE = "() => document.querySelector('canvas').toDataURL()"


def click(page: Page, frame: Frame, step: int) -> float:
    """Click another cell of the first panel; the milliseconds until its pixels had changed."""
    box = frame.locator("canvas").first.bounding_box()
    assert box is not None
    column, row = step % 7, step * 3 % 7
    page.mouse.move(box["x"] + (column + 0.5) * box["width"] / 8, box["y"] + (row + 0.5) * box["height"] / 8)
    before = frame.evaluate(PICTURE)  # the preview, which still marks the cell that was pinned
    frame.evaluate("() => { window.times.length = 0; }")
    page.mouse.down()
    page.mouse.up()
    frame.wait_for_function("() => window.times.length === 1")
    assert frame.evaluate(PICTURE) != before, "the click changed no pixel"
    return frame.evaluate("() => window.times[0]")


def move_slider(page: Page, step: int) -> float:
    """One step of the slider; the milliseconds until another figure was shown."""
    page.evaluate("() => { window.times.length = 0; }")
    page.locator(".jupyter-widgets .noUi-handle").first.focus()
    page.keyboard.press("ArrowRight" if step // 7 % 2 == 0 else "ArrowLeft")
    page.wait_for_function("() => window.times.length === 1", timeout=20_000)
    return page.evaluate("() => window.times[0]")


def time_in_jupyterlab(browser: Browser, folder: Path) -> tuple[list[float], list[float]]:
    """Milliseconds of PatchView's clicks and of interact's slider steps, in turn, in one notebook."""
    cells = [nbformat.v4.new_code_cell(source) for source in (DATA, BY_INTERACT, SAVE)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    with jupyterlab(folder, browser) as lab:
        nbformat.write(notebook, lab.folder / "bench.ipynb")
        with lab.ran("bench.ipynb", height=1800) as page:
            return timed_in(page)


def timed_in(page: Page) -> tuple[list[float], list[float]]:
    """The same in the page that ran the notebook."""
    page.locator(".jupyter-widgets img").wait_for()
    frame = next(frame for frame in page.frames if frame.parent_frame is not None)
    frame.evaluate(WATCH_CANVAS)
    page.evaluate(WATCH_OUTPUT)
    clicks, steps = [], []
    for step in range(ROUNDS):
        frame.locator("canvas").first.scroll_into_view_if_needed()
        clicks.append(click(page, frame, step))
        steps.append(move_slider(page, step))
    return clicks[WARM_UP:], steps[WARM_UP:]


def time_from_disk(browser: Browser, file: Path) -> list[float]:
    """Milliseconds of PatchView's clicks in a page opened from disk with the network off."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_offline(True)
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator("canvas").first.wait_for()
    page.evaluate(WATCH_CANVAS)
    times = [click(page, page.main_frame, step) for step in range(ROUNDS)]
    context.close()
    return times[WARM_UP:]


def run() -> list[Row]:
    """Time all of them; PatchView in JupyterLab has ratio 1."""
    with tempfile.TemporaryDirectory() as folder, launch_chromium() as browser:
        clicks, steps = time_in_jupyterlab(browser, Path(folder))
        disk = time_from_disk(browser, Path(folder) / "notebooks/view.html")
    return [
        _row("vlmteach PatchView in JupyterLab", clicks, clicks, BOUND),
        _row("vlmteach PatchView from disk, offline", disk, clicks, BOUND),
        _row("interact + matplotlib in JupyterLab", steps, clicks, None),
    ]


def _row(tool: str, times: list[float], ours: list[float], bound: Bound | None) -> Row:
    """The ratio is that of the medians: the actions alternate, but a page from disk is another page."""
    median = statistics.median(times)
    note = f"p90 {statistics.quantiles(times, n=10)[-1]:.0f} ms, {len(times)} rounds"
    return Row(JOB, tool, median / statistics.median(ours), median, note=note, bound=bound)

"""Build the lessons: MyST sources in notebooks/src/ become executed notebooks in notebooks/.

    python notebooks/build_lessons.py            build those that are stale
    python notebooks/build_lessons.py 00 02      build these
    python notebooks/build_lessons.py --all      build every one
    python notebooks/build_lessons.py 02 --into FOLDER    leave notebooks/ as it is

A built notebook is stale when its cells (type, source, tags) differ from its source. What a run cost (seconds in all
and to the first figure, peak memory, versions) is written into the notebook's metadata, where a test compares it with
the course's table.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import platform
import re
import sys
import time
import tomllib
from pathlib import Path

import jupytext
import nbformat
from lecture_marks import strip_marks
from nbclient import NotebookClient
from nbformat import NotebookNode
from slim_pictures import slim_pictures
from tqdm import tqdm

from vlmteach.course import LESSONS, Lesson
from vlmteach.course.lessons import MEMORY_MB, get_lesson
from vlmteach.course.versions import installed_version

NOTEBOOKS = Path(__file__).resolve().parent
SOURCES = NOTEBOOKS / "src"
WIDGET = "application/vnd.jupyter.widget-view+json"
MEASURE = """
import resource, sys
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10))
"""


def repository() -> str:
    """The repository's address, from the one line of pyproject.toml that names it."""
    return tomllib.loads((NOTEBOOKS.parent / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["repository"]


def badges(lesson: Lesson) -> str:
    """The row of links above a lesson's title: words, not pictures, so that an offline page asks nobody for a badge."""
    address = repository()
    colab = f"https://colab.research.google.com/github/{address.removeprefix('https://github.com/')}"
    return (
        f"[Open in Colab]({colab}/blob/main/notebooks/{lesson.name}.ipynb) · "
        f"[Read on the web]({address}/blob/main/notebooks/{lesson.name}.ipynb)"
    )


def needs(lesson: Lesson) -> str:
    """What a lesson asks of a student and a machine, in one line."""
    network = "the network for one part" if lesson.needs_network else "no network, no GPU"
    return (
        f"**Time:** about {lesson.minutes} minutes, and {lesson.exercises} for the exercises. "
        f"**Needs:** {MEMORY_MB // 1024} GB of memory, {network}; "
        f"running everything takes at most {lesson.seconds} seconds on two cores. "
        f"**Terms:** the glossary at the end of [lesson 09]({get_lesson(9).name}.ipynb), in English and Japanese."
    )


def read_source(lesson: Lesson) -> NotebookNode:
    """The notebook a source describes, without outputs: placeholders filled, cell ids fixed by content."""
    path = SOURCES / f"{lesson.name}.md"
    text = strip_marks(path.read_text("utf-8"))
    for name, value in {"badges": badges(lesson), "needs": needs(lesson), "repository": repository()}.items():
        text = text.replace("{{ " + name + " }}", value)
    left = re.search(r"\{\{.*?\}\}", text)
    if left:
        raise ValueError(f"{path.name} has an unknown placeholder {left.group()}; badges, needs, repository are known.")
    notebook = jupytext.reads(text, fmt="md:myst")
    notebook.metadata = NotebookNode(
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
        language_info={"name": "python"},
    )
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        cell.metadata = NotebookNode(tags=list(cell.metadata["tags"])) if cell.metadata.get("tags") else NotebookNode()
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = f"{digest}-{seen[digest]}"
    return notebook


def outline(notebook: NotebookNode) -> list[tuple[str, str, tuple[str, ...]]]:
    """What decides whether a notebook is stale: type, source and tags of every cell, in order."""
    return [(cell.cell_type, cell.source, tuple(cell.metadata.get("tags", []))) for cell in notebook.cells]


def is_stale(lesson: Lesson, folder: Path = NOTEBOOKS) -> bool:
    """Whether the built notebook is missing or differs from its source."""
    built = folder / f"{lesson.name}.ipynb"
    return not built.exists() or outline(nbformat.read(built, as_version=4)) != outline(read_source(lesson))


def build(lesson: Lesson, folder: Path = NOTEBOOKS) -> None:
    """Execute a lesson from its source and write the notebook into a folder; an error in a cell stops the build."""
    notebook = read_source(lesson)
    ends: dict[int, float] = {}  # when each cell was done
    began = time.perf_counter()
    client = NotebookClient(notebook, timeout=600, record_timing=False, resources={"metadata": {"path": NOTEBOOKS}})
    with client.setup_kernel():
        ready = time.perf_counter()
        for index, cell in enumerate(tqdm(list(notebook.cells), desc=lesson.name, leave=False)):
            client.execute_cell(cell, index)
            ends[index] = time.perf_counter()
        seconds = time.perf_counter() - began
        notebook.cells.append(nbformat.v4.new_code_cell(MEASURE))
        client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
        peak = int(notebook.cells.pop().outputs[0].text)
        client.set_widgets_metadata()
    freeze_widgets(notebook)
    slim_pictures(notebook)
    notebook.metadata["vlmteach"] = {
        "seconds": round(seconds, 1),
        "first_figure_seconds": round(ends[first_figure(notebook)] - ready, 1),
        "peak_memory_mb": peak,
        "python": platform.python_version(),
        **{name: installed_version(name) for name in ("torch", "torchvision", "timm", "ipywidgets")},
    }
    nbformat.validate(notebook)
    nbformat.write(notebook, folder / f"{lesson.name}.ipynb")
    print(f"{lesson.name}: {seconds:.1f} s, peak {peak} MB")


def first_figure(notebook: NotebookNode) -> int:
    """The number of the first cell that shows a picture or an explorer. Raises ValueError when none does."""
    for index, cell in enumerate(notebook.cells):
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        if any("image/png" in data or re.search("<(img|iframe|svg)", str(data.get("text/html", ""))) for data in shown):
            return index
    raise ValueError("no cell shows a figure; a lesson has at least one.")


def freeze_widgets(notebook: NotebookNode) -> None:
    """Replace every stored widget by the picture it shows first, with the picture's description beside it.

    A widget lives in a kernel; a page that is only read (GitHub, a static site, the notebook before Run All) would show
    an error or nothing. The picture is what it shows, and running the cell brings the widget back. The description
    stands in the output's metadata, where nbval does not compare it.
    """
    states = notebook.metadata.pop("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            view = output.get("data", {}).pop(WIDGET, None)
            picture = _first_picture(view["model_id"], states) if view else None
            if picture:
                alt, output["data"]["image/png"] = picture
                output["metadata"]["image/png"] = {"alt": alt}


def _first_picture(model: str, states: dict[str, NotebookNode]) -> tuple[str, str] | None:
    state = states.get(model, NotebookNode(state={}))["state"]
    found = re.search(r'<img alt="([^"]+)"[^>]* src="data:image/png;base64,([A-Za-z0-9+/=]+)"', str(state.get("value")))
    if found:
        return html.unescape(found.group(1)), found.group(2)
    inside = (_first_picture(child.removeprefix("IPY_MODEL_"), states) for child in state.get("children", []))
    return next((picture for picture in inside if picture), None)


def main(arguments: list[str]) -> int:
    """Build what was asked for; returns 1 when a name is unknown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", help="lesson numbers, for instance 00 02")
    parser.add_argument("--all", action="store_true", help="build every lesson, stale or not")
    parser.add_argument("--into", type=Path, default=NOTEBOOKS, metavar="FOLDER", help="where to write them")
    asked = parser.parse_args(arguments)
    numbers = {int(number) for number in asked.lessons}
    unknown = numbers - {lesson.number for lesson in LESSONS}
    if unknown:
        parser.error(f"there is no lesson {sorted(unknown)}")
    chosen = [x for x in LESSONS if x.number in numbers or asked.all or (not numbers and is_stale(x, asked.into))]
    asked.into.mkdir(parents=True, exist_ok=True)
    for lesson in chosen:
        build(lesson, asked.into)
    if not chosen:
        print("every built notebook is up to date with its source")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

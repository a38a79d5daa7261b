"""Build the lessons: MyST sources in notebooks/src/ become executed notebooks in notebooks/.

    python notebooks/build_lessons.py            build those that are stale; where only prose is new, run nothing
    python notebooks/build_lessons.py 00 02      build these
    python notebooks/build_lessons.py --all      build every one
    python notebooks/build_lessons.py 02 --into FOLDER    leave notebooks/ as it is
    python notebooks/build_lessons.py 02 --language ja    build it in one other language alone

Every edition in notebooks/po is built as well, into a folder of its own: its prose is that of its catalogue, its code
the English lesson's. A text in a code cell that figures or controls show and that has no translation yet is added to
the lesson's catalogue, and the build says so.

A built notebook is stale when its cells (type, source, tags) differ from its source. What a run cost (seconds in all
and to the first figure, peak memory, versions) is written into the notebook's metadata, where a test compares it with
the course's table.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import platform
import re
import sys
import time
import tomllib
from pathlib import Path

import jupytext
import nbformat
from editions import Edition, Untranslated, editions
from lecture_marks import strip_marks
from nbclient import NotebookClient
from nbformat import NotebookNode
from prose import translated
from readme import readme, readme_path
from slim_pictures import slim_pictures
from tqdm import tqdm

from vlmteach.course import LESSONS, Lesson
from vlmteach.course.lessons import MEMORY_MB, get_lesson
from vlmteach.course.versions import installed_version
from vlmteach.language import ENGLISH, N_

NOTEBOOKS = Path(__file__).resolve().parent
SOURCES = NOTEBOOKS / "src"
WIDGET = "application/vnd.jupyter.widget-view+json"
MEASURE = """
import resource, sys
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10))
"""
INDEX_TITLE = N_("Can a CNN be the image encoder of a vision-language model?")
INDEX_LEAD = N_("The lessons in English. A lesson that has not been translated yet leads to the English one.")
INDEX_ENGLISH = N_("(in English)")
SHOWN = "import json, vlmteach.language; print(json.dumps(vlmteach.language.asked()))"


def repository() -> str:
    """The repository's address, from the one line of pyproject.toml that names it."""
    return tomllib.loads((NOTEBOOKS.parent / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["repository"]


def badges(lesson: Lesson, edition: Edition | None = None) -> str:
    """The row of links above a lesson's title: words, not pictures, so that an offline page asks nobody for a badge."""
    address = repository()
    colab = f"https://colab.research.google.com/github/{address.removeprefix('https://github.com/')}"
    place = f"blob/main/notebooks/{f'{edition.language}/' if edition else ''}{lesson.name}.ipynb"
    links = [(N_("Open in Colab"), f"{colab}/{place}"), (N_("Read on the web"), f"{address}/{place}")]
    return " · ".join(f"[{_said(words, edition)}]({link})" for words, link in links)


def needs(lesson: Lesson, edition: Edition | None = None) -> str:
    """What a lesson asks of a student and a machine, in one line."""
    network = N_("the network for one part") if lesson.needs_network else N_("no network, no GPU")
    line = N_(
        "**Time:** about {minutes} minutes, and {exercises} for the exercises. **Needs:** {memory} GB of memory, "
        "{network}; running everything takes at most {seconds} seconds on two cores. **Terms:** the glossary at the "
        "end of [lesson 09]({glossary}.ipynb), in English and Japanese."
    )
    return _said(line, edition).format(
        minutes=lesson.minutes,
        exercises=lesson.exercises,
        memory=MEMORY_MB // 1024,
        network=_said(network, edition),
        seconds=lesson.seconds,
        glossary=get_lesson(9).name,
    )


def _said(message: str, edition: Edition | None) -> str:
    return edition.translator("vlmteach")(message) if edition else message


def read_source(lesson: Lesson, edition: Edition | None = None) -> NotebookNode:
    """The notebook a source describes, without outputs: placeholders filled, cell ids fixed by content.

    edition: in another language than English. Raises KeyError for a message that it lacks.
    """
    path = SOURCES / f"{lesson.name}.md"
    text = path.read_text("utf-8")
    text = translated(text, edition.translator(lesson.name)) if edition else strip_marks(text)
    filled = {"badges": badges(lesson, edition), "needs": needs(lesson, edition), "repository": repository()}
    for name, value in filled.items():
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
        if edition:
            cell.source = edition.code(cell.source) if cell.cell_type == "code" else edition.links(cell.source)
        cell.metadata = NotebookNode(tags=list(cell.metadata["tags"])) if cell.metadata.get("tags") else NotebookNode()
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = f"{digest}-{seen[digest]}"
    return notebook


def outline(notebook: NotebookNode) -> list[tuple[str, str, tuple[str, ...]]]:
    """What decides whether a notebook is stale: type, source and tags of every cell, in order."""
    return [(cell.cell_type, cell.source, tuple(cell.metadata.get("tags", []))) for cell in notebook.cells]


def is_stale(lesson: Lesson, folder: Path = NOTEBOOKS, edition: Edition | None = None) -> bool:
    """Whether the built notebook is missing or differs from its source."""
    built = folder / f"{lesson.name}.ipynb"
    return not built.exists() or outline(nbformat.read(built, as_version=4)) != outline(read_source(lesson, edition))


def renew_prose(lesson: Lesson, folder: Path = NOTEBOOKS, edition: Edition | None = None) -> bool:
    """Write a source's prose into the built notebook when the code is the same, and run nothing; False when it is not.

    Links change in this way whenever an edition gets another lesson.
    """
    path = folder / f"{lesson.name}.ipynb"
    if not path.exists():
        return False
    built, source = nbformat.read(path, as_version=4), read_source(lesson, edition)
    code = [[cell for cell in one.cells if cell.cell_type == "code"] for one in (built, source)]
    if [(cell.source, cell.metadata) for cell in code[0]] != [(cell.source, cell.metadata) for cell in code[1]]:
        return False
    for old, new in zip(*code, strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count
    source.metadata = built.metadata
    nbformat.write(source, path)
    return True


def build(lesson: Lesson, folder: Path = NOTEBOOKS, edition: Edition | None = None) -> None:
    """Execute a lesson from its source and write the notebook into a folder; an error in a cell stops the build.

    edition: in another language than English. Raises KeyError for a message that it lacks, Untranslated when the lesson
    showed a text that has no translation.
    """
    notebook = read_source(lesson, edition)
    ends: dict[int, float] = {}  # when each cell was done
    began = time.perf_counter()
    client = NotebookClient(notebook, timeout=600, record_timing=False, resources={"metadata": {"path": NOTEBOOKS}})
    with client.setup_kernel():
        ready = time.perf_counter()
        for index, cell in enumerate(tqdm(list(notebook.cells), desc=lesson.name, leave=False)):
            client.execute_cell(cell, index)
            ends[index] = time.perf_counter()
        seconds = time.perf_counter() - began
        peak = int(ask(client, MEASURE))
        shown = json.loads(ask(client, SHOWN))
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
    if edition:
        notebook.metadata["vlmteach"]["shown"] = edition.fingerprints(lesson, shown)
    nbformat.validate(notebook)
    nbformat.write(notebook, folder / f"{lesson.name}.ipynb")
    print(f"{lesson.name}{f' ({edition.language})' if edition else ''}: {seconds:.1f} s, peak {peak} MB")


def ask(client: NotebookClient, code: str) -> str:
    """What a line of code prints in a lesson's kernel, leaving the lesson as it is."""
    client.nb.cells.append(nbformat.v4.new_code_cell(code))
    client.execute_cell(client.nb.cells[-1], len(client.nb.cells) - 1)
    return client.nb.cells.pop().outputs[0].text


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


def index(edition: Edition) -> str:
    """The page in an edition's folder: every lesson of the course, those it lacks in English, and said to be so."""
    lines = [f"# {_said(INDEX_TITLE, edition)}", "", _said(INDEX_LEAD, edition), ""]
    for lesson in LESSONS:
        there = lesson in edition.lessons
        link = f"[{lesson.number:02d} · {_said(lesson.title, edition)}]({'' if there else '../'}{lesson.name}.ipynb)"
        lines.append(f"- {link}" + ("" if there else f" {_said(INDEX_ENGLISH, edition)}"))
    return "\n".join([*lines, ""])


def main(arguments: list[str]) -> int:
    """Build what was asked for; returns 1 when an edition lacks a text that a lesson shows, 2 for an unknown name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", help="lesson numbers, for instance 00 02")
    parser.add_argument("--all", action="store_true", help="build every lesson, stale or not")
    parser.add_argument("--into", type=Path, default=NOTEBOOKS, metavar="FOLDER", help="where to write them")
    parser.add_argument("--language", metavar="CODE", help="one language alone: en, or a folder of notebooks/po")
    asked = parser.parse_args(arguments)
    numbers = {int(number) for number in asked.lessons}
    unknown = numbers - {lesson.number for lesson in LESSONS}
    if unknown:
        parser.error(f"there is no lesson {sorted(unknown)}")
    languages: dict[str, Edition | None] = {ENGLISH: None, **{edition.language: edition for edition in editions()}}
    if asked.language:
        if asked.language not in languages:
            parser.error(f"there is no language {asked.language}; there are {', '.join(languages)}")
        languages = {asked.language: languages[asked.language]}
    status, built = 0, 0
    for language, edition in languages.items():
        folder = asked.into / language if edition else asked.into
        folder.mkdir(parents=True, exist_ok=True)
        for lesson in edition.lessons if edition else LESSONS:
            if lesson.number in numbers or asked.all or (not numbers and is_stale(lesson, folder, edition)):
                built += 1
                if not numbers and not asked.all and renew_prose(lesson, folder, edition):
                    print(f"{lesson.name}{f' ({language})' if edition else ''}: only its prose is new")
                    continue
                try:
                    build(lesson, folder, edition)
                except Untranslated as lacking:
                    status = 1
                    print(lacking, file=sys.stderr)
        if edition:
            (folder / "README.md").write_text(index(edition), "utf-8")
            if asked.into == NOTEBOOKS:
                readme_path(edition).write_text(readme(edition), "utf-8")
    if not built:
        print("every built notebook is up to date with its source")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

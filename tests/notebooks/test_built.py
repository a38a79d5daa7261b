"""What is stored in the built notebooks: fresh, complete, within budget, readable everywhere."""

from __future__ import annotations

import statistics
from pathlib import Path

import build_lessons
import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from benchmarks.lessons import ALL_SECONDS, FIRST_FIGURE_SECONDS
from vlmteach.course import LESSONS, Lesson
from vlmteach.course.lessons import MEMORY_MB
from vlmteach.course.versions import installed_version

LARGEST_BYTES = 1_400_000
LARGEST_BYTES_WITH_EXPLORER = 3_000_000


def built(lesson: Lesson) -> NotebookNode:
    return nbformat.read(build_lessons.NOTEBOOKS / f"{lesson.name}.ipynb", as_version=4)


each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


def test_every_source_and_every_notebook_is_a_lesson_of_the_table() -> None:
    names = {lesson.name for lesson in LESSONS}
    assert {path.stem for path in build_lessons.SOURCES.glob("*.md")} == names
    assert {path.stem for path in build_lessons.NOTEBOOKS.glob("*.ipynb")} == names


@each_lesson
def test_the_built_notebook_is_what_its_source_says(lesson: Lesson) -> None:
    assert not build_lessons.is_stale(lesson), f"{lesson.name} is stale: run `make notebooks` and commit the result"


@each_lesson
def test_cell_ids_are_those_of_the_source(lesson: Lesson) -> None:
    assert [cell.id for cell in built(lesson).cells] == [cell.id for cell in build_lessons.read_source(lesson).cells]


def test_where_only_the_prose_is_new_a_build_runs_nothing_and_keeps_the_outputs(tmp_path: Path) -> None:
    lesson, path = LESSONS[0], tmp_path / f"{LESSONS[0].name}.ipynb"
    before = built(lesson)
    next(cell for cell in before.cells if cell.cell_type == "markdown").source = "An old sentence."
    nbformat.write(before, path)
    assert build_lessons.renew_prose(lesson, tmp_path)
    assert nbformat.read(path, as_version=4) == built(lesson)


def test_where_code_is_new_a_build_must_run_it(tmp_path: Path) -> None:
    lesson, path = LESSONS[0], tmp_path / f"{LESSONS[0].name}.ipynb"
    assert not build_lessons.renew_prose(lesson, tmp_path)  # nothing there yet
    before = built(lesson)
    next(cell for cell in before.cells if cell.cell_type == "code").source += "\nold = 1"
    nbformat.write(before, path)
    assert not build_lessons.renew_prose(lesson, tmp_path)
    assert nbformat.read(path, as_version=4) == before


@each_lesson
def test_every_code_cell_was_run_without_an_error(lesson: Lesson) -> None:
    code = [cell for cell in built(lesson).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [out for cell in code for out in cell.outputs if out.output_type == "error"]
    assert not [out.text for cell in code for out in cell.outputs if out.get("name") == "stderr"]


@each_lesson
def test_a_lesson_says_how_long_it_takes_with_and_without_its_exercises(lesson: Lesson) -> None:
    text = "\n".join(cell.source for cell in build_lessons.read_source(lesson).cells)
    assert f"**Time:** about {lesson.minutes} minutes, and {lesson.exercises} for the exercises." in text


@each_lesson
def test_a_run_stays_within_the_budget_of_the_table(lesson: Lesson) -> None:
    cost = built(lesson).metadata["vlmteach"]
    assert cost["seconds"] <= lesson.seconds
    assert cost["first_figure_seconds"] <= FIRST_FIGURE_SECONDS
    assert cost["peak_memory_mb"] <= MEMORY_MB
    assert cost["torch"] == installed_version("torch"), "built with another torch: run `make notebooks ALL=1`"


def test_all_lessons_together_stay_within_the_budget_of_the_course() -> None:
    assert sum(built(lesson).metadata["vlmteach"]["seconds"] for lesson in LESSONS) <= ALL_SECONDS


@pytest.mark.parametrize("data", [{"image/png": "aa"}, {"text/html": '<iframe srcdoc="">'}, {"text/html": "<img src>"}])
def test_the_first_figure_is_the_first_picture_or_explorer(data: dict[str, str]) -> None:
    words = [new_output("stream", text="<img"), new_output("display_data", {"text/html": "<p>an image</p>"})]
    cells = [new_markdown_cell("![a picture](x.png)"), new_code_cell(outputs=words)]
    figures = [new_code_cell(outputs=[new_output("display_data", data)]) for _ in range(2)]
    assert build_lessons.first_figure(new_notebook(cells=[*cells, *figures])) == 2
    with pytest.raises(ValueError, match="no cell shows a figure"):
        build_lessons.first_figure(new_notebook(cells=cells))


@each_lesson
def test_a_notebook_is_small_and_holds_no_widget_state(lesson: Lesson) -> None:
    notebook = built(lesson)
    explorer = any("iframe" in str(out.get("data", {})) for cell in notebook.cells for out in cell.get("outputs", []))
    size = Path(build_lessons.NOTEBOOKS / f"{lesson.name}.ipynb").stat().st_size
    assert size <= (LARGEST_BYTES_WITH_EXPLORER if explorer else LARGEST_BYTES)
    assert "widgets" not in notebook.metadata
    assert build_lessons.WIDGET not in str(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


@each_lesson
def test_every_picture_carries_a_description(lesson: Lesson) -> None:
    for cell in built(lesson).cells:
        for output in cell.get("outputs", []):
            page = output.get("data", {}).get("text/html", "")
            assert "<img" not in page or 'alt="' in page
            assert "without alt text" not in page, cell.source
            if "image/png" in output.get("data", {}):
                assert output.metadata.get("image/png", {}).get("alt"), cell.source


@each_lesson
def test_a_lesson_has_all_its_parts_in_order(lesson: Lesson) -> None:
    text = "\n".join(cell.source for cell in built(lesson).cells)
    parts = ["Open in Colab", "You will be able to", "**Time:**", f"course.start({lesson.number})", "draw_vlm("]
    parts += ["Predict", "\n## Exercises", "\n## Summary", "In the real world", "To discuss", "References"]
    places = [text.find(part) for part in parts]
    assert -1 not in places, f"missing: {parts[places.index(-1)]}"
    assert places[-5:] == sorted(places[-5:])


@each_lesson
def test_cells_are_small_enough_to_read(lesson: Lesson) -> None:
    notebook = built(lesson)
    lines = [len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code"]
    words = [len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown"]
    assert statistics.median(lines) <= 8
    assert max(lines) <= 25
    assert 15 <= statistics.median(words) <= 70

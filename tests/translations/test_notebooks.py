"""The built notebooks of other languages: the English code, the English numbers, and nothing left in English."""

from __future__ import annotations

import html
import re
import shutil
from collections import Counter
from itertools import zip_longest

import build_lessons
import nbformat
import pytest
from build_lessons import NOTEBOOKS, index, is_stale, read_source
from editions import Edition, editions, fingerprint
from nbformat import NotebookNode
from readme import FOR_STUDENTS, README, readme, readme_path, students_part

from vlmteach.course import LESSONS, Lesson

PAIRS = [
    pytest.param(edition, lesson, id=f"{edition.language}-{lesson.name}")
    for edition in editions()
    for lesson in edition.lessons
]
each_edition = pytest.mark.parametrize("edition", editions(), ids=lambda edition: edition.language)
each_lesson = pytest.mark.parametrize(("edition", "lesson"), PAIRS)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def built(lesson: Lesson, edition: Edition | None = None) -> NotebookNode:
    folder = edition.notebooks if edition else NOTEBOOKS
    return nbformat.read(folder / f"{lesson.name}.ipynb", as_version=4)


def described(cell: NotebookNode) -> list[str]:
    """The alt texts of a cell's pictures."""
    found = []
    for output in cell.get("outputs", []):
        page = str(output.get("data", {}).get("text/html", ""))
        if "<iframe" not in page:
            found += map(html.unescape, re.findall(r'<img alt="([^"]*)"', page))
        found += [picture["alt"] for picture in output.get("metadata", {}).values() if "alt" in picture]
    return found


def printed(cell: NotebookNode) -> str:
    """What a cell printed, and its value as text."""
    return "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])
    )


def differences(edition: Edition, other: NotebookNode, english: NotebookNode) -> list[str]:
    """Where the code or the numbers of a notebook are not the English one's."""
    found = []
    for one, its in zip_longest(*([cell for cell in n.cells if cell.cell_type == "code"] for n in (other, english))):
        if one is None or its is None:
            return [*found, "the notebooks have another number of code cells"]
        if edition.english_code(one.source) != its.source or edition.code(its.source) != one.source:
            found.append(f"another code: {its.source!r}")
        elif one.metadata.get("tags", []) != its.metadata.get("tags", []):
            found.append(f"other tags: {its.source!r}")
        elif "nbval-ignore-output" not in its.metadata.get("tags", []):
            for what, read in (("printed", printed), ("described", lambda cell: "\n".join(described(cell)))):
                mine, theirs = (Counter(NUMBER.findall(read(cell))) for cell in (one, its))
                if mine != theirs:
                    found.append(
                        f"other numbers {what}: {dict(mine - theirs)} for {dict(theirs - mine)} in {its.source!r}"
                    )
    return found


@each_lesson
def test_the_built_notebook_is_what_its_source_and_catalogue_say(edition: Edition, lesson: Lesson) -> None:
    assert not is_stale(lesson, edition.notebooks, edition), "run `make notebooks` and commit the result"


@each_lesson
def test_code_and_numbers_are_the_english_ones(edition: Edition, lesson: Lesson) -> None:
    assert differences(edition, built(lesson, edition), built(lesson)) == []


@each_lesson
def test_what_it_shows_is_what_the_catalogues_say_now(edition: Edition, lesson: Lesson) -> None:
    shown = set(built(lesson, edition).metadata["vlmteach"]["shown"])
    known = {fingerprint(*key, string) for key, string in edition.translations(lesson).items()}
    assert len(shown) > 10
    assert shown <= known, "a translation has changed since it was built: run `make notebooks` and commit the result"


@each_lesson
def test_it_ran_without_an_error_and_every_letter_has_a_font(edition: Edition, lesson: Lesson) -> None:
    for cell in built(lesson, edition).cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert 'role="note"' not in str(output.get("data", {}).get("text/html", ""))


@each_lesson
def test_pictures_and_verdicts_are_described_in_its_language(edition: Edition, lesson: Lesson) -> None:
    cells = built(lesson, edition).cells
    texts = [text for cell in cells for text in described(cell)]
    verdicts = [
        printed(cell) for cell in cells if any(tag.startswith("check-") for tag in cell.metadata.get("tags", []))
    ]
    assert len(texts) > 2
    assert [text for text in [*texts, *verdicts] if not edition.letters.search(text)] == []


@each_lesson
def test_its_links_lead_to_lessons_that_are_there(edition: Edition, lesson: Lesson) -> None:
    text = "\n".join(cell.source for cell in built(lesson, edition).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)]*\.ipynb)\)", text)
    there = [link for link in links if not link.startswith("https:")]
    assert there
    assert [link for link in there if not (edition.notebooks / link).exists()] == []
    elsewhere = [link for link in links if link.startswith("https:")]
    assert len(elsewhere) == 2
    assert all(link.endswith(f"/blob/main/notebooks/{edition.language}/{lesson.name}.ipynb") for link in elsewhere)


@each_edition
def test_its_readme_is_what_the_english_one_and_its_catalogue_say(edition: Edition) -> None:
    text, english = readme_path(edition).read_text("utf-8"), README.read_text("utf-8")
    assert text == readme(edition), "run `make notebooks` and commit the result"
    assert f"]({readme_path(edition).name})" in english
    assert "](README.md)" in text
    commands = re.compile(r"```\n.*?```|`[^`\n]+`", re.DOTALL)
    assert Counter(commands.findall(text)) == Counter(commands.findall(students_part(english)))
    there = [link for link in re.findall(r"\]\(([^):]+)\)", text) if not (README.parent / link).exists()]
    assert there == []
    lessons = [f"notebooks/{edition.language}/{lesson.name}.ipynb" for lesson in edition.lessons]
    assert [link for link in lessons if f"]({link})" not in text] == []


@pytest.mark.parametrize("title", FOR_STUDENTS)
def test_a_readme_without_a_section_for_students_is_refused(title: str) -> None:
    with pytest.raises(ValueError, match=f"README.md has no section {title}"):
        students_part(README.read_text("utf-8").replace(f"## {title}\n", f"## {title} now\n"))


@each_edition
def test_the_folder_holds_its_lessons_and_an_index_that_links_to_all(edition: Edition) -> None:
    assert {path.stem for path in edition.notebooks.glob("*.ipynb")} == {lesson.name for lesson in edition.lessons}
    text = (edition.notebooks / "README.md").read_text("utf-8")
    assert text == index(edition), "run `make notebooks` and commit the result"
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert [link.removeprefix("../") for link in links] == [f"{lesson.name}.ipynb" for lesson in LESSONS]
    assert all((edition.notebooks / link).exists() for link in links)
    assert text.count("../") == len(LESSONS) - len(edition.lessons)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda cell: cell.update(source=cell.source.replace("course.start(0", "course.start(1")), "another code"),
        (lambda cell: cell.update(source=cell.source + "\n"), "another code"),
        (
            lambda cell: cell.outputs[0].update(text="レッスン01：…（約15分）\n準備完了：シード0"),
            "other numbers printed",
        ),
        (lambda cell: cell.metadata.update(tags=[]), "other tags"),
    ],
)
def test_a_cell_that_differs_from_the_english_one_is_found(change, found: str) -> None:
    edition, lesson = PAIRS[0].values
    other = built(lesson, edition)
    change(next(cell for cell in other.cells if cell.cell_type == "code"))
    (told,) = differences(edition, other, built(lesson))
    assert told.startswith(found)


def test_a_figure_with_another_number_and_a_missing_cell_are_found() -> None:
    edition, lesson = PAIRS[0].values
    other, english = built(lesson, edition), built(lesson)
    figure = next(cell for cell in other.cells if described(cell) and NUMBER.search(described(cell)[0]))
    page = figure.outputs[0].data["text/html"]  # begins with the alt text
    figure.outputs[0].data["text/html"] = NUMBER.sub("77", page, count=1)
    assert [told.split(":")[0] for told in differences(edition, other, english)] == ["other numbers described"]
    other.cells = other.cells[: other.cells.index(figure)]
    assert "the notebooks have another number of code cells" in differences(edition, other, english)


@each_edition
def test_only_the_language_and_a_font_for_colab_are_added_to_the_code(edition: Edition) -> None:
    cell = next(cell for cell in read_source(LESSONS[3]).cells if cell.cell_type == "code")
    mine = edition.code(cell.source)
    assert f'course.start(3, language="{edition.language}")' in mine
    assert '--no-deps matplotlib-fontja "vlmteach @ git+' in mine
    assert edition.english_code(mine) == cell.source
    assert len(mine) - len(cell.source) == len(f', language="{edition.language}"') + len("matplotlib-fontja ")


@each_edition
def test_a_lesson_that_an_edition_lacks_is_linked_to_in_english(edition: Edition) -> None:
    class Empty(Edition):
        lessons = ()

    nothing = Empty(edition.language, edition.folder)
    text = "[09](09_the_verdict.ipynb) and [here](09_the_verdict.ipynb#a), not [there](https://x/09_the_verdict.ipynb)"
    assert nothing.links(text) == text.replace("](09", "](../09")


def test_a_build_of_a_text_without_translation_says_so_and_adds_it_to_the_catalogue(tmp_path) -> None:
    (japanese,) = (edition for edition in editions() if edition.language == "ja")
    shutil.copytree(japanese.folder, tmp_path / "ja")
    copy = Edition("ja", tmp_path / "ja")
    assert copy.fingerprints(LESSONS[0], [["", "question"], ["lesson", "model"]])
    with pytest.raises(build_lessons.Untranslated, match=r"00_start_here \(ja\) shows what has no translation") as told:
        copy.fingerprints(LESSONS[0], [["", "question"], ["", "no message"], ["lesson", "a new label"]])
    assert str(told.value).endswith("\n  'no message'\n  'a new label'")
    assert copy.catalogue("00_start_here").get("a new label", context="lesson").string == ""
    assert copy.catalogue("00_start_here").get("no message") is None

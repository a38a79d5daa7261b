"""The instructor's edition: the lessons with the notes in place, a plan, exercises with answers, slides and polls.

A site of its own, in a folder of its own, with another title and colour, so that a projector shows which one is open.
In another language it is slides with their notes, polls and the plan, for the lessons whose lectures are translated.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import build_site
import nbformat
from editions import Edition
from nbformat import NotebookNode

from lecture.asked import read_asked
from lecture.deck import deck, markdown, write_shared
from lecture.exports import gift, moodle, page, save_qti
from lecture.figures import figures_of
from lecture.plan import DAY, UNIT, left_out, lesson_plan, memory_table, peaks, plan_table, timetable
from lecture.polls import all_polls, read_bank
from lecture.slides import CUTS, Slide, read_slides, title_of
from vlmteach.course import LESSONS, Lesson
from vlmteach.language import _

HERE = Path(__file__).parent
RESULTS = build_site.ROOT / "benchmarks" / "results.json"
EDITION = build_site.ROOT / "site-instructor"
STAGED = build_site.ROOT / "build" / "instructor"
_INDEX = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="quizzes/shared/quiz.css">
</head>
<body>
{content}
</body>
</html>
"""
_SETTINGS = """
project = html_title = "vlmteach, instructor's edition"
html_theme_options["light_css_variables"] |= {"color-brand-primary": "#a5480b", "color-brand-content": "#a5480b"}
html_theme_options["dark_css_variables"] |= {"color-brand-primary": "#ffb07f", "color-brand-content": "#ffb07f"}
html_theme_options["announcement"] = "Instructor's edition: it holds answers. Close it before you project."
"""


def write_decks(lessons: Iterable[Lesson], folder: Path, edition: Edition | None = None) -> None:
    """The slides of these lessons, with all that they need."""
    write_shared(folder / "shared")
    for lesson in lessons:
        slides = read_slides(lesson, edition)
        made = deck(lesson, slides, read_bank(lesson, edition), figures_of(lesson, slides, edition))
        (folder / f"{lesson.number:02d}.html").write_text(made, "utf-8")


def write_quizzes(lessons: Iterable[Lesson], folder: Path, edition: Edition | None = None) -> None:
    """The polls of these lessons: a page, a key, and files for Canvas, Moodle and whoever reads GIFT."""
    shared = folder / "shared"
    write_shared(shared)
    for name in ("quiz.css", "quiz.js"):
        shutil.copyfile(HERE / "static" / name, shared / name)
    for lesson in lessons:
        polls, name = list(read_bank(lesson, edition).values()), f"{lesson.number:02d}"
        (folder / f"{name}.html").write_text(page(lesson, polls), "utf-8")
        (folder / f"{name}-key.html").write_text(page(lesson, polls, key=True), "utf-8")
        (folder / f"{name}.gift").write_text(gift(lesson, polls), "utf-8")
        (folder / f"{name}-moodle.xml").write_text(moodle(lesson, polls), "utf-8")
        save_qti(lesson, polls, folder / f"{name}-canvas.zip")


def with_notes(notebook: NotebookNode, slides: list[Slide]) -> NotebookNode:
    """The lesson with the notes of each slide above the code cell that follows it. ValueError where it is not there."""
    for slide in slides:
        place = next((i for i, cell in enumerate(notebook.cells) if cell.id == slide.next_cell), len(notebook.cells))
        if slide.next_cell and place == len(notebook.cells):
            raise ValueError(f"the cell after the slide {slide.title!r} is not in the notebook; run `make notebooks`.")
        title = f"{slide.title} ({slide.minutes} min, from the lecture of {slide.cut})"
        note = f"::::{{admonition}} {title}\n:class: tip\n{slide.notes}\n::::"
        notebook.cells.insert(place, nbformat.v4.new_markdown_cell(note))
    return notebook


def exercises_page() -> str:
    """All exercises: what is asked, an answer, the hints, and the known mistakes with what is said to each."""
    parts = ["# Exercises, answers, known mistakes\n"]
    for lesson in LESSONS:
        known = importlib.import_module(f"support.variants.lesson_{lesson.number:02d}").VARIANTS
        parts.append(f"## {lesson.number:02d} · {lesson.title}\n")
        for number, asked in read_asked(lesson).items():
            exercise = asked.exercise
            parts.append(f"### Exercise {number}\n\n{asked.words}\n")
            if exercise.answer:
                parts.append(f"```python\n{exercise.answer.strip()}\n```\n")
            parts += [f"- *Hint:* {hint}" for hint in exercise.hints]
            parts.append("\n**Known mistakes**, each with a part of its reply.\n")
            parts += [f"*{phrase}*\n\n```python\n{code.strip()}\n```\n" for phrase, code in known[number].mistakes()]
    return "\n".join(parts)


def plan_page(lessons: tuple[Lesson, ...] = LESSONS, edition: Edition | None = None) -> str:
    """Minutes of these lessons in each length, each slide by slide; a day, a unit and the memory of all lessons."""
    slides = {lesson: read_slides(lesson, edition) for lesson in lessons}
    polls = all_polls(lessons, edition)
    memory = _(
        "A student's kernel at the highest point of a lesson, as its last build measured it. Kernels share what they "
        "only read, the code of torch above all, so a class needs somewhat less."
    )
    parts = [
        "# " + _("Plan") + "\n",
        plan_table(slides, polls),
        "## " + _("A day") + "\n",
        timetable(DAY),
        "## " + _("A unit of four weeks") + "\n",
        timetable(UNIT),
        "## " + _("Memory on a server") + "\n",
        f"{memory}\n",
        memory_table(peaks(json.loads(RESULTS.read_text("utf-8"))["benchmarks"]["lessons"])),
    ]
    for lesson in lessons:
        parts += [f"## {title_of(lesson)}\n", lesson_plan(slides[lesson], polls)]
        parts.append(left_out(lesson, slides[lesson], polls, edition))
    return "\n".join(parts)


def _links(lessons: tuple[Lesson, ...] = LESSONS) -> str:
    files = {".html": _("page"), "-key.html": _("with answers")}
    notes = _("with notes")
    files |= {"-canvas.zip": "Canvas", "-moodle.xml": "Moodle", ".gift": "GIFT"}
    rows = []
    for lesson in lessons:
        name = f"{lesson.number:02d}"
        decks = " · ".join(f'<a href="slides/{name}.html?cut={cut}">{cut}</a>' for cut in CUTS)
        prints = f'<a href="slides/{name}.html?print-pdf&amp;handout">{notes}</a>'
        quiz = " · ".join(f'<a href="quizzes/{name}{end}">{what}</a>' for end, what in files.items())
        rows.append(f"<tr><td>{title_of(lesson)}</td><td>{decks}</td><td>{prints}</td><td>{quiz}</td></tr>")
    titles = (_("lesson"), _("slides, minutes"), _("to print"), _("polls"))
    return f"<table>\n<tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>\n" + "\n".join(rows) + "\n</table>"


def stage() -> Path:
    """Lay out what Sphinx reads: the student's sources with the notes in them, and pages that only a lecturer has."""
    source = build_site.stage(STAGED, languages={})
    for lesson in LESSONS:
        path = source / "notebooks" / f"{lesson.name}.ipynb"
        nbformat.write(with_notes(nbformat.read(path, as_version=4), read_slides(lesson)), path)
    with (source / "conf.py").open("a", encoding="utf-8") as settings:
        settings.write(_SETTINGS)
    tools = re.search(
        r"^```\{toctree\}\n:caption: Tools\n.*?^```$", (source / "index.md").read_text("utf-8"), re.M | re.S
    )
    if tools is None:
        raise ValueError("docs/index.md has no toctree with the caption Tools, which this edition takes over.")
    index = (
        (HERE / "index.md").read_text("utf-8").replace("{{ links }}", _links()).replace("{{ tools }}", tools.group())
    )
    (source / "index.md").write_text(index, "utf-8")
    shutil.copyfile(HERE / "RUNNING.md", source / "running.md")
    (source / "plan.md").write_text(plan_page(), "utf-8")
    (source / "exercises.md").write_text(exercises_page(), "utf-8")
    return source


def write_edition(edition: Edition, lessons: tuple[Lesson, ...], folder: Path) -> None:
    """The slides, polls and plan of these lessons in another language, which is the one in use, and a page of links."""
    shutil.rmtree(folder, ignore_errors=True)
    write_decks(lessons, folder / "slides", edition)
    write_quizzes(lessons, folder / "quizzes", edition)
    build_site.write_ask(folder)
    title = _("Slides, polls and plan")
    keys = _(
        "On the slides, **S** opens the speaker's window with notes and a clock, **F** fills the screen, and **O** "
        "shows all slides. The number in a link is the length of the lecture in minutes."
    )
    content = f"<h1>{title}</h1>\n{markdown(keys)}{_links(lessons)}\n{markdown(plan_page(lessons, edition))}"
    page = _INDEX.format(language=edition.language, title=title, content=content)
    (folder / "index.html").write_text(page, "utf-8")


def build() -> int:
    """Build the edition into site-instructor/ when Sphinx has nothing to warn of. Returns Sphinx's exit status."""
    return build_site.build(stage(), EDITION, _beside_the_pages)


def _beside_the_pages(folder: Path) -> None:
    build_site.write_ask(folder)
    write_decks(list(LESSONS), folder / "slides")
    write_quizzes(list(LESSONS), folder / "quizzes")

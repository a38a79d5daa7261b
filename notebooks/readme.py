"""The README in other languages: what a student needs of it, in the words of an edition's README.po.

Sections for teachers and developers stay English, and the page links to them.
"""

from __future__ import annotations

import re
from pathlib import Path

from editions import PACKAGE, Edition
from prose import messages, translated

from vlmteach.language import N_

README = Path(__file__).resolve().parents[1] / "README.md"
CATALOGUE = "README"
FOR_STUDENTS = ("Start", "The lessons", "Other ways to install")  # besides what stands above the first section
REST = N_(
    "The lessons of this edition are in [{folder}]({folder}/README.md); the commands above open the English ones. For "
    "classrooms, the package, what was measured and where it was tried, see the [English README](README.md)."
)
_LANGUAGES = re.compile(r"^\[\w+\]\(README\.\w+\.md\)(?: · \[\w+\]\(README\.\w+\.md\))*\n\n", re.MULTILINE)
_LESSON = re.compile(r"\]\(notebooks/(\d\d_\w+)\.ipynb\)")


def students_part(readme: str) -> str:
    """The sections of the English README that other languages have. Raises ValueError when one is gone."""
    above, *sections = re.split(r"^(?=## )", readme, flags=re.MULTILINE)
    by_title = {section.splitlines()[0].removeprefix("## "): section for section in sections}
    if gone := [title for title in FOR_STUDENTS if title not in by_title]:
        raise ValueError(f"{README.name} has no section {', '.join(gone)}; expected all of {', '.join(FOR_STUDENTS)}.")
    return _LANGUAGES.sub("", above) + "".join(by_title[title] for title in FOR_STUDENTS)


def readme_messages() -> tuple[str, ...]:
    """The messages of the README's part for students."""
    return messages(students_part(README.read_text("utf-8")))


def readme_path(edition: Edition) -> Path:
    """Where an edition's README stands: beside the English one."""
    return README.with_name(f"README.{edition.language}.md")


def readme(edition: Edition) -> str:
    """An edition's README. Raises KeyError for a message that it lacks."""
    text = translated(students_part(README.read_text("utf-8")), edition.translator(CATALOGUE))
    there = {lesson.name for lesson in edition.lessons}
    text = _LESSON.sub(
        lambda link: f"](notebooks/{edition.language}/{link[1]}.ipynb)" if link[1] in there else link[0], text
    )
    title, rest = text.split("\n", 1)
    elsewhere = edition.translator(PACKAGE)(REST).format(folder=f"notebooks/{edition.language}")
    return f"{title}\n\n[English](README.md)\n{rest.rstrip()}\n\n{elsewhere}\n"

"""Bring every edition's catalogues up to date with the English texts: `make translate`.

    python notebooks/catalogues.py            updates notebooks/po and the compiled catalogues in vlmteach/locale
    python notebooks/catalogues.py --check    changes nothing; exits 1 and says what is missing, fuzzy, or wrong

A message that changed keeps its old translation, marked fuzzy: correct it and take the mark away. What figures and
controls show of a lesson's code cells is found when the lesson is built; see build_lessons.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from build_lessons import SOURCES
from editions import PACKAGE, Edition, editions, lecture_name, shown_by_lesson
from faithful import problems
from prose import lecture_messages, messages
from readme import CATALOGUE as README
from readme import readme_messages

from vlmteach.course import Lesson
from vlmteach.language import FROM_LESSON, LOCALE, own_context

ROOT = Path(__file__).resolve().parents[1]
BANK = ROOT / "lecture" / "bank"
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)  # or a compiled catalogue would change with the clock
MARKS = {"_": None, "N_": None}


def texts_under(*keys: str) -> Callable[..., Iterator[tuple[int, None, str, list[str]]]]:
    """How Babel finds the texts of a JSON file: each that stands under one of the keys, alone or in a list."""

    def inside(value: Any, shown: bool) -> Iterator[str]:
        if isinstance(value, dict):
            for key, one in value.items():
                yield from inside(one, key in keys)
        elif isinstance(value, list):
            for one in value:
                yield from inside(one, shown)
        elif shown and value:
            yield value

    def extract(file: BinaryIO, *_marks: object, **_options: object) -> Iterator[tuple[int, None, str, list[str]]]:
        return ((0, None, text, []) for text in inside(json.load(file), False))

    return extract


# (where, pattern, language or function) of what is read for texts
MARKED = [
    (ROOT / PACKAGE, "**.py", "python"),
    (ROOT / PACKAGE, "**.js", "javascript"),
    (ROOT / PACKAGE, "course/claims.json", texts_under("title", "english", "says", "verdict", "because", "change")),
    (ROOT / PACKAGE, "course/counter_evidence.json", texts_under("caveats")),
    (
        ROOT / PACKAGE,
        "course/systems.json",
        texts_under("title", "explains", "encoder", "output", "connector", "frozen"),
    ),
    (ROOT / "notebooks", "build_lessons.py", "python"),
    (ROOT / "notebooks", "readme.py", "python"),
    (ROOT / "docs", "build_site.py", "python"),
    (ROOT / "lecture", "**.py", "python"),
]


@cache
def package_messages() -> dict[str, tuple[str, ...]]:
    """What the package and the builders say: message -> the files it stands in."""
    found: dict[str, list[str]] = {}
    for folder, pattern, language in MARKED:
        for file, _line, message, _comments, _context in extract_from_dir(
            folder, [(pattern, language)], keywords=MARKS, comment_tags=()
        ):
            files = found.setdefault(str(message), [])
            if (place := (folder / file).relative_to(ROOT).as_posix()) not in files:
                files.append(place)
    return {message: tuple(files) for message, files in sorted(found.items(), key=lambda item: item[1])}


def lesson_template(lesson: Lesson, catalogue: Catalog) -> Catalog:
    """All messages of a lesson, without translations; those that its cells show are taken from its catalogue."""
    template = Catalog(fuzzy=False)
    for message in messages((SOURCES / f"{lesson.name}.md").read_text("utf-8")):
        template.add(message)
    for text in shown_by_lesson(catalogue):
        template.add(text, context=FROM_LESSON)
    return template


def lecture_template(lesson: Lesson) -> Catalog:
    """All messages of a lesson's slides, notes and polls, without translations."""
    source, bank = SOURCES / f"{lesson.name}.md", BANK / f"{lesson.number:02d}.yaml"
    template = Catalog(fuzzy=False)
    for message in lecture_messages(source.read_text("utf-8"), bank.read_text("utf-8")):
        template.add(message)
    return template


def readme_template() -> Catalog:
    """All messages of the README's part for students, without translations."""
    template = Catalog(fuzzy=False)
    for message in readme_messages():
        template.add(message)
    return template


def package_template() -> Catalog:
    """All messages of the package, without translations."""
    template = Catalog(fuzzy=False)
    for message, files in package_messages().items():
        template.add(message, locations=[(file, 0) for file in files])
    return template


def updated(catalogue: Catalog, template: Catalog) -> Catalog:
    """The catalogue with the template's messages in their order; what is like an old message gets its text, fuzzy."""
    before = {(message.context, message.id): message for message in catalogue if message.id}
    template.creation_date = catalogue.creation_date
    catalogue.update(template)
    for message in catalogue:  # a line number changes with every edit above it
        message.locations = [(file, None) for file, _line in message.locations]
        if (old := before.get((message.context, message.id))) and not old.fuzzy:
            message.user_comments = old.user_comments
    return catalogue


def to_compile(edition: Edition) -> Catalog:
    """What gettext reads: the package's translations, and what lessons hand to figures. Fuzzy ones are left out.

    A text that lessons translate in different ways stands under each lesson's own context.
    """
    catalogue = Catalog(locale=edition.language, fuzzy=False, creation_date=SOME_DAY, revision_date=SOME_DAY)
    for message in edition.catalogue(PACKAGE):
        if message.id and message.string and not message.fuzzy:
            catalogue.add(str(message.id), str(message.string))
    handed: dict[str, dict[int, str]] = {}
    for lesson in edition.lessons:
        for text, string in shown_by_lesson(edition.catalogue(lesson.name)).items():
            if string:
                handed.setdefault(text, {})[lesson.number] = string
    for text, strings in handed.items():
        shared = len(set(strings.values())) == 1
        for number, string in strings.items():
            catalogue.add(text, string, context=FROM_LESSON if shared else own_context(number))
    return catalogue


def compiled_path(edition: Edition) -> Path:
    """Where the package looks for it."""
    return LOCALE / edition.language / "LC_MESSAGES" / f"{PACKAGE}.mo"


def behind(edition: Edition) -> Iterator[str]:
    """What an edition lacks: a sentence for each message or file."""
    for name, template in templates(edition):
        wanted = [(message.context or "", str(message.id)) for message in template if message.id]
        for problem in problems(edition.catalogue(name), wanted, edition.glossary):
            yield f"{edition.folder.name}/{name}.po: {problem}"
    if not is_compiled(edition):
        yield f"{compiled_path(edition).relative_to(ROOT)} is older than its catalogues"


def templates(edition: Edition) -> Iterator[tuple[str, Catalog]]:
    """Each catalogue's name, and what must be in it."""
    yield PACKAGE, package_template()
    yield README, readme_template()
    for lesson in edition.lessons:
        yield lesson.name, lesson_template(lesson, edition.catalogue(lesson.name))
    for lesson in edition.lectures:
        yield lecture_name(lesson), lecture_template(lesson)


def update(edition: Edition) -> None:
    """Write an edition's catalogues anew, and compile them."""
    for name, template in templates(edition):
        edition.write(name, updated(edition.catalogue(name), template))
    compile_catalogues(edition)


def is_compiled(edition: Edition) -> bool:
    """Whether what gettext reads is what the catalogues say."""
    path = compiled_path(edition)
    if not path.exists():
        return False
    with path.open("rb") as file:
        return _pairs(read_mo(file)) == _pairs(to_compile(edition))


def _pairs(catalogue: Catalog) -> dict[tuple[str | None, str], str]:
    found = {}
    for message in catalogue:
        context = message.context.decode() if isinstance(message.context, bytes) else message.context  # read_mo's
        if message.id:
            found[context, str(message.id)] = str(message.string)
    return found


def compile_catalogues(edition: Edition) -> None:
    """Write what gettext reads, where it has changed."""
    if is_compiled(edition):
        return
    path = compiled_path(edition)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_mo(file, to_compile(edition))


def main(arguments: list[str]) -> int:
    """Update, then say what is left to translate; returns 1 when --check finds anything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something is left to do")
    asked = parser.parse_args(arguments)
    left = 0
    for edition in editions():
        if not asked.check:
            update(edition)
        found = list(behind(edition))
        left += len(found)
        print("\n".join(found))
        count = sum(len(template) for _name, template in templates(edition))
        parts = f"{len(edition.lessons)} lessons, {len(edition.lectures)} lectures"
        print(f"{edition.name}: {parts}, {count} messages, {len(found)} things left to do")
    return 1 if asked.check and left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

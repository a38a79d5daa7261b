"""The course in other languages: what each has, and how its notebooks differ from the English ones.

One folder of notebooks/po is one edition, called by the code of its language:

    edition.toml      its name in its own language, the lessons and lectures it has, the letters of its script
    glossary.toml     each of the field's terms and the one translation that it has
    NN_….po           the prose of a lesson, and those texts in its code cells that figures and controls show
    NN_lecture.po     its slides, notes and polls: what the lesson itself does not say
    vlmteach.po       what the package and the builders say
    README.po         what the README says to students

A lesson that the edition does not have is not there: its index and its links lead to the English one.
"""

from __future__ import annotations

import hashlib
import io
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from vlmteach.course import LESSONS, Lesson
from vlmteach.language import FROM_LESSON

NOTEBOOKS = Path(__file__).resolve().parent
FOLDERS = NOTEBOOKS / "po"
PACKAGE = "vlmteach"  # the catalogue of what the package and the builders say
FONTS = "matplotlib-fontja"  # the package with the letters that matplotlib's own fonts lack
_START = re.compile(r"^course\.start\((\d+)\)$", re.MULTILINE)
_INSTALL = '%pip install --quiet --no-deps "vlmteach @'
_LINK = re.compile(r"\]\((\d\d_\w+)\.ipynb")


class Untranslated(Exception):
    """A lesson showed a text that has no translation."""


@dataclass(frozen=True)
class Edition:
    """The course in one other language. Raises ValueError for a setting that is missing or unknown."""

    language: str
    folder: Path

    def __post_init__(self) -> None:
        unknown = set(self._settings) ^ {"name", "lessons", "lectures", "letters"}
        if unknown:
            raise ValueError(
                f"{self.folder / 'edition.toml'} has, or lacks, {', '.join(sorted(unknown))}; "
                "expected name, lessons, lectures and letters."
            )

    @cached_property
    def _settings(self) -> dict:
        return tomllib.loads((self.folder / "edition.toml").read_text("utf-8"))

    @property
    def name(self) -> str:
        """The language in its own words."""
        return self._settings["name"]

    @property
    def letters(self) -> re.Pattern[str]:
        """A letter of its script that English lacks: what has none has not been translated."""
        return re.compile(self._settings["letters"])

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """The lessons it has. Raises ValueError for a number that is no lesson's."""
        return self._chosen("lessons", LESSONS)

    @property
    def lectures(self) -> tuple[Lesson, ...]:
        """Those whose slides, notes and polls it has. Raises ValueError for a number that is none of its lessons'."""
        return self._chosen("lectures", self.lessons)

    def _chosen(self, setting: str, lessons: tuple[Lesson, ...]) -> tuple[Lesson, ...]:
        numbers = self._settings[setting]
        unknown = set(numbers) - {lesson.number for lesson in lessons}
        if unknown:
            raise ValueError(
                f"{self.folder / 'edition.toml'} names {setting} that there are not: {sorted(unknown)}; "
                f"expected some of {[lesson.number for lesson in lessons]}."
            )
        return tuple(lesson for lesson in lessons if lesson.number in numbers)

    @property
    def glossary(self) -> dict[str, str]:
        """English term -> its one translation."""
        return tomllib.loads((self.folder / "glossary.toml").read_text("utf-8"))

    @property
    def notebooks(self) -> Path:
        """Where its built notebooks are."""
        return NOTEBOOKS / self.language

    def catalogue_path(self, name: str) -> Path:
        """The file of a lesson's catalogue, or of the package's, which is called vlmteach."""
        return self.folder / f"{name}.po"

    def catalogue(self, name: str) -> Catalog:
        """A catalogue as it stands in its file; an empty one when there is none yet."""
        path = self.catalogue_path(name)
        if not path.exists():
            return Catalog(locale=self.language, fuzzy=False)
        with path.open("rb") as file:
            return read_po(file, locale=self.language)

    def as_text(self, catalogue: Catalog) -> bytes:
        """A catalogue as its file holds it: one message, one line, nothing that changes by itself."""
        text = io.BytesIO()
        write_po(text, catalogue, width=0, omit_header=True, ignore_obsolete=True, include_previous=True)
        return text.getvalue()

    def write(self, name: str, catalogue: Catalog) -> None:
        """Write a catalogue to its file."""
        self.catalogue_path(name).write_bytes(self.as_text(catalogue))

    def translator(self, *names: str) -> Callable[[str], str]:
        """What says the messages of some catalogues in this language, from the first that has one; files are read once.

        It raises KeyError for a message that is missing or fuzzy in all.
        """
        paths = [self.catalogue_path(name) for name in names]
        catalogues = [_strings_in(path.read_bytes()) for path in paths if path.exists()]

        def translate(message: str) -> str:
            for catalogue in catalogues:
                if message in catalogue:
                    return catalogue[message]
            files = " and ".join(path.name for path in paths)
            raise KeyError(f"{files}: no translation of {message!r}; run make translate.")

        return translate

    def lecturer(self, lesson: Lesson) -> Callable[[str], str]:
        """What says a lesson's slides, notes and polls in this language. Raises KeyError as translator does."""
        return self.translator(lecture_name(lesson), lesson.name)

    def fingerprints(self, lesson: Lesson, shown: Iterable[tuple[str, str]]) -> list[str]:
        """What a lesson showed, each text with its translation, in a few letters: they differ when one is changed.

        shown: (context, message). Raises Untranslated, and adds to the lesson's catalogue what its own cells hand over.
        """
        known, catalogue = self.translations(lesson), self.catalogue(lesson.name)
        lacking = [key for key in map(tuple, shown) if not known.get(key)]
        for context, text in lacking:
            if context == FROM_LESSON:
                catalogue.add(text, context=context)
        if lacking:
            self.write(lesson.name, catalogue)
            raise Untranslated(
                f"{lesson.name} ({self.language}) shows what has no translation. Translate it in "
                f"{self.catalogue_path(lesson.name).name}, or mark it in the package, run make translate, and "
                "build again:\n" + "\n".join(f"  {text!r}" for _context, text in lacking)
            )
        return sorted(fingerprint(*key, known[key]) for key in map(tuple, shown))

    def translations(self, lesson: Lesson) -> dict[tuple[str, str], str]:
        """(context, message) -> translation, of the package and of what this lesson's cells hand to figures."""
        package = {("", str(m.id)): str(m.string) for m in self.catalogue(PACKAGE) if m.id and not m.fuzzy}
        handed = shown_by_lesson(self.catalogue(lesson.name))
        return package | {(FROM_LESSON, text): string for text, string in handed.items()}

    def code(self, source: str) -> str:
        """A code cell of this edition: the English one, but for the language, and on Colab a font with its letters."""
        source = _START.sub(rf'course.start(\1, language="{self.language}")', source)
        return source.replace(_INSTALL, _INSTALL.replace('"', f'{FONTS} "'))

    def english_code(self, source: str) -> str:
        """The English cell that a code cell of this edition was made from."""
        source = source.replace(f', language="{self.language}")', ")")
        return source.replace(_INSTALL.replace('"', f'{FONTS} "'), _INSTALL)

    def links(self, source: str) -> str:
        """A cell of prose whose links to lessons that this edition lacks lead to the English ones."""
        here = {lesson.name for lesson in self.lessons}
        return _LINK.sub(lambda link: link[0] if link[1] in here else f"](../{link[1]}.ipynb", source)


def editions() -> tuple[Edition, ...]:
    """All editions in other languages than English."""
    return tuple(Edition(path.parent.name, path.parent) for path in sorted(FOLDERS.glob("*/edition.toml")))


@cache
def _strings_in(catalogue: bytes) -> dict[str, str]:
    """The translations of a file by message, without those of a context and those that are missing or fuzzy."""
    messages = read_po(io.BytesIO(catalogue))
    return {str(m.id): str(m.string) for m in messages if m.id and not m.context and m.string and not m.fuzzy}


def lecture_name(lesson: Lesson) -> str:
    """The name of the catalogue of a lesson's slides, notes and polls."""
    return f"{lesson.number:02d}_lecture"


def shown_by_lesson(catalogue: Catalog) -> dict[str, str]:
    """Texts in a lesson's code cells that figures and controls show -> their translation, empty when there is none."""
    return {str(m.id): "" if m.fuzzy else str(m.string) for m in catalogue if m.id and m.context == FROM_LESSON}


def fingerprint(context: str, message: str, translation: str) -> str:
    """A few letters that stand for a message with its translation."""
    return hashlib.sha256("\0".join((context, message, translation)).encode()).hexdigest()[:8]

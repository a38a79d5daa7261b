"""The language of what a lesson shows: English, or one of the translations in vlmteach/locale.

Texts are marked as gettext does: `_("…")` is translated where it stands; `N_("…")` marks a text that stands in a table
and goes through `_` where it is shown. What changes inside a text is a named placeholder, given with it:
`_("{count} tokens", count=3)`, or in a table `N_("{count} tokens", count=3)`. A text that a lesson's own cell hands to
a figure goes through `from_lesson`. The scripts of pages mark theirs with `_` as well; see views/page.py.
"""

from __future__ import annotations

import gettext
import unicodedata
from pathlib import Path

ENGLISH = "en"
LOCALE = Path(__file__).parent / "locale"
FROM_LESSON = "lesson"  # the context of texts that stand in a lesson's code cells

_language = ENGLISH
_lesson: int | None = None
_catalogue = gettext.NullTranslations()
_asked: dict[tuple[str, str], None] = {}


def languages() -> tuple[str, ...]:
    """The languages a lesson can be shown in, by their codes, English first."""
    return (ENGLISH, *sorted(path.parts[-3] for path in LOCALE.glob("*/LC_MESSAGES/vlmteach.mo")))


def use_language(language: str, lesson: int | None = None) -> None:
    """Show everything in this language from now on. Raises ValueError for one that there is not.

    lesson: whose texts `from_lesson` gets, where lessons say the same text in different ways.
    """
    global _language, _lesson, _catalogue
    if language not in languages():
        raise ValueError(f"there is no language {language!r}; expected one of {', '.join(languages())}.")
    _language, _lesson = language, lesson
    _catalogue = gettext.NullTranslations()
    if language != ENGLISH:
        _catalogue = gettext.translation("vlmteach", LOCALE, [language])


def current_language() -> str:
    """The code of the language in use."""
    return _language


class Filled(str):
    """A marked message with its placeholders filled in: as a string the English text; `_` translates it."""

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, values: dict[str, object]) -> Filled:
        """From the message with its placeholders, and what fills them."""
        filled = super().__new__(cls, message.format(**values))
        filled.message, filled.values = message, values
        return filled


def _(message: str, **values: object) -> str:
    """The message in the language in use, as it is where that has none, with its placeholders filled in."""
    if isinstance(message, Filled):
        return _(message.message, **message.values)
    if not message:  # gettext's own answer to "" is the catalogue's header
        return ""
    _asked["", message] = None
    translated = _catalogue.gettext(message)
    return translated.format(**values) if values else translated


def N_(message: str, **values: object) -> str:
    """Mark a message that is translated later, where it is shown; values: what fills its placeholders."""
    return Filled(message, values) if values else message


def from_lesson(text: str) -> str:
    """A text of a lesson's code cell or of a record, such as a control's or a model's name, in the language in use."""
    if any(letter.isalpha() for letter in text):
        _asked[FROM_LESSON, text] = None
    shared = _catalogue.pgettext(FROM_LESSON, text)
    return shared if _lesson is None or shared != text else _catalogue.pgettext(own_context(_lesson), text)


def own_context(lesson: int) -> str:
    """The context, in what is compiled, of a text that this lesson translates in another way than others do."""
    return f"{FROM_LESSON} {lesson:02d}"


def columns_of(text: str) -> int:
    """How wide a line is, in Latin letters of one width: a Japanese letter takes two, a zero-width space none."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text if letter != "\u200b")


def asked() -> list[tuple[str, str]]:
    """Every (context, message) that was to be shown so far; the builder looks for those without a translation."""
    return list(_asked)

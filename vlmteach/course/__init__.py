"""Lesson set-up, the doctor, and the exercises' checks.

A name is imported when it is first asked for: who only checks exercises does not wait for figures and controls. No
module has the name of what it gives, or importing the one would hide the other.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlmteach.course.asking import draw_asked, playground
    from vlmteach.course.claims import load_ledger
    from vlmteach.course.counter_evidence import caveats, load_published, source_of_prices
    from vlmteach.course.lessons import LESSONS, Lesson, get_lesson
    from vlmteach.course.machine import doctor
    from vlmteach.course.own_picture import OwnPicture
    from vlmteach.course.records import interval_in_words, seeds_in_words, share_in_words, steps_in_words
    from vlmteach.course.session import start
    from vlmteach.course.systems import load_systems
    from vlmteach.course.terms import glossary

_GIVES = {
    "asking": ("draw_asked", "playground"),
    "claims": ("load_ledger",),
    "counter_evidence": ("caveats", "load_published", "source_of_prices"),
    "lessons": ("LESSONS", "Lesson", "get_lesson"),
    "machine": ("doctor",),
    "own_picture": ("OwnPicture",),
    "records": ("interval_in_words", "seeds_in_words", "share_in_words", "steps_in_words"),
    "session": ("start",),
    "systems": ("load_systems",),
    "terms": ("glossary",),
}

__all__ = [
    "LESSONS",
    "Lesson",
    "OwnPicture",
    "caveats",
    "doctor",
    "draw_asked",
    "get_lesson",
    "glossary",
    "interval_in_words",
    "load_ledger",
    "load_published",
    "load_systems",
    "playground",
    "seeds_in_words",
    "share_in_words",
    "source_of_prices",
    "start",
    "steps_in_words",
]


def __getattr__(name: str) -> Any:
    for module, given in _GIVES.items():
        if name in given:
            globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

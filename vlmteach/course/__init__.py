"""Lesson set-up, the doctor, and the exercises' checks."""

from vlmteach.course.claims import load_ledger
from vlmteach.course.counter_evidence import caveats, load_published, source_of_prices
from vlmteach.course.glossary import glossary
from vlmteach.course.lessons import LESSONS, Lesson, get_lesson
from vlmteach.course.machine import doctor
from vlmteach.course.own_picture import OwnPicture
from vlmteach.course.playground import draw_asked, playground
from vlmteach.course.records import interval_in_words, seeds_in_words, share_in_words
from vlmteach.course.session import start
from vlmteach.course.systems import load_systems

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
]

"""Minutes: of a lesson's lecture in each length, of a day, and of a unit of four weeks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from editions import Edition

from lecture.polls import Poll
from lecture.slides import CUTS, Slide, title_of
from vlmteach.course import LESSONS, Lesson
from vlmteach.language import N_, _

CLASS = 30  # students at once, in the table of memory
LEAD_OUT = N_("Not in the lecture, whose minutes are full. Polls are for the quiz, or for a room that is quick.")
SLACK = 5  # minutes that a lecture may leave over, for a late start and a question

# (lesson, cut) of each sitting. A day has breaks between its sittings, a unit two lectures a week.
DAY = (
    ("9:00", ((0, 20), (1, 50))),
    ("10:30", ((3, 20), (4, 50))),
    ("13:00", ((6, 50), (7, 20))),
    ("14:30", ((8, 50), (9, 20))),
)
UNIT = (
    (N_("week {week}, first lecture", week=1), ((0, 20), (1, 50))),
    (N_("week {week}, second lecture", week=1), ((2, 90),)),
    (N_("week {week}, first lecture", week=2), ((3, 20), (4, 50))),
    (N_("week {week}, second lecture", week=2), ((5, 90),)),
    (N_("week {week}, first lecture", week=3), ((6, 90),)),
    (N_("week {week}, second lecture", week=3), ((7, 90),)),
    (N_("week {week}, first lecture", week=4), ((8, 90),)),
    (N_("week {week}, second lecture", week=4), ((9, 50), (10, 20))),
)

# Sections that no lecture shows, of each lesson, and why. All others have a slide.
LEFT_OUT = {
    9: {
        "Would any network do?": N_("controls of the figure before it, to read, and to show when somebody asks"),
        "Glossary": N_("to look up"),
    },
}


@dataclass(frozen=True)
class Minutes:
    """How the minutes of one lecture are spent."""

    slides: int
    talk: int
    polls: int
    exercises: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.talk + self.polls + self.exercises


def minutes_of(slides: Iterable[Slide], polls: dict[str, Poll], cut: int) -> Minutes:
    """The minutes of the lecture of this length."""
    held = [slide for slide in slides if slide.cut <= cut]
    return Minutes(
        slides=len(held) + sum(bool(slide.poll) for slide in held),
        talk=sum(slide.minutes for slide in held if not slide.exercise),
        polls=sum(polls[slide.poll].minutes for slide in held if slide.poll),
        exercises=sum(slide.minutes for slide in held if slide.exercise),
    )


def plan_table(lessons: dict[Lesson, list[Slide]], polls: dict[str, Poll]) -> str:
    """One Markdown table: each lesson in each length, beside what a student needs alone, to read and for exercises."""
    lengths = [_("{cut} min: slides, talk + polls + exercises", cut=cut) for cut in CUTS]
    lines = _head(_("lesson"), *lengths, _("alone"))
    for lesson, slides in lessons.items():
        cells = []
        for cut in CUTS:
            spent = minutes_of(slides, polls, cut)
            cells.append(f"{spent.slides}: {spent.talk} + {spent.polls} + {spent.exercises} = {spent.total}")
        lines.append(f"| {title_of(lesson)} | {' | '.join(cells)} | {lesson.minutes} + {lesson.exercises} |")
    return "\n".join(lines) + "\n"


def _head(*titles: str) -> list[str]:
    """The first two lines of a Markdown table."""
    return [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]


def lesson_plan(slides: Iterable[Slide], polls: dict[str, Poll]) -> str:
    """One lesson, slide by slide, with the minute at which each begins in each length."""
    lines = _head(_("slide"), _("minutes"), *(_("begins, of {cut}", cut=cut) for cut in CUTS))
    clock = dict.fromkeys(CUTS, 0)
    for slide in slides:
        shown = [(slide.title, slide.minutes)]
        if slide.poll:
            poll = polls[slide.poll]
            shown.insert(0, (_("*Poll:* {question}", question=poll.ask), poll.minutes))
        for title, minutes in shown:
            begins = [str(clock[cut]) if slide.cut <= cut else "" for cut in CUTS]
            lines.append(f"| {title.replace('|', '&#124;')} | {minutes} | {' | '.join(begins)} |")
            for cut in CUTS:
                clock[cut] += minutes if slide.cut <= cut else 0
    return "\n".join(lines) + "\n"


def left_out(lesson: Lesson, slides: Iterable[Slide], polls: dict[str, Poll], edition: Edition | None = None) -> str:
    """What of a lesson no lecture has, as Markdown, empty where there is nothing. polls: by id."""
    shown = {slide.poll for slide in slides}
    own = [poll for poll in polls.values() if poll.id.startswith(f"{lesson.number:02d}-")]
    translate = edition.lecturer(lesson) if edition else str
    lines = [
        "- " + _("*{section}*: {why}.", section=translate(section), why=_(why))
        for section, why in LEFT_OUT.get(lesson.number, {}).items()
    ]
    lines += ["- " + _("*Poll:* {question}", question=poll.ask) for poll in own if poll.id not in shown]
    return "\n".join([f"{_(LEAD_OUT)}\n", *lines]) + "\n" if lines else ""


def timetable(sittings: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]) -> str:
    """A day or a unit as a Markdown table."""
    lines = _head(_("when"), _("what"), _("minutes"))
    for when, parts in sittings:
        what = ", ".join(f"{title_of(LESSONS[number])} ({cut})" for number, cut in parts)
        lines.append(f"| {_(when)} | {what} | {sum(cut for number, cut in parts)} |")
    return "\n".join(lines) + "\n"


def peaks(rows: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """Peak memory of each lesson in MB, by its number, from the benchmarks' rows. ValueError where one is missing."""
    found = {int(row["tool"].rpartition(" ")[2]): row["amount"] for row in rows if row["job"] == "lessons, peak memory"}
    missing = [f"{lesson.number:02d}" for lesson in LESSONS if lesson.number not in found]
    if missing:
        raise ValueError(f"the benchmarks have no peak memory of lesson {', '.join(missing)}; run `make notebooks`.")
    return found


def memory_table(peak: Mapping[int, float]) -> str:
    """What a server needs for each lesson, as a Markdown table: for one student, and for a class at once."""
    lines = _head(_("lesson"), _("MB for a student"), _("GB for {count} at once", count=CLASS))
    for lesson in LESSONS:
        one = peak[lesson.number]
        lines.append(f"| {title_of(lesson)} | {one:,.0f} | {CLASS * one / 1000:.0f} |")
    return "\n".join(lines) + "\n"

"""Build the instructor's edition: slides, polls, plan, exercises with answers, and the lessons with the notes in place.

    python -m lecture            all of it, into site-instructor/
    python -m lecture 01 05      the slides of these lessons only, into site-instructor/slides/
    python -m lecture --language ja    slides, polls and plan in one other language, into site-instructor-ja/

The slides show what the committed notebooks hold. A lesson runs once more, and only after it has changed, to draw its
figures with larger letters: lecture/figures.py.
"""

from __future__ import annotations

import argparse
import sys

from editions import editions

from lecture.instructor import EDITION, build, write_decks, write_edition
from lecture.plan import minutes_of
from lecture.polls import read_bank
from lecture.slides import CUTS, read_slides
from vlmteach.course import LESSONS, Lesson
from vlmteach.language import use_language


def minutes_told(lesson: Lesson) -> str:
    """How many slides each length of a lesson has, and how many minutes they take."""
    spent = [minutes_of(read_slides(lesson), read_bank(lesson), cut) for cut in CUTS]
    return f"{lesson.name}: " + ", ".join(f"{each.slides} slides in {each.total} min" for each in spent)


def main(arguments: list[str]) -> int:
    """Build what was asked for. Returns Sphinx's exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", type=int, help="lesson numbers, for instance 01 05")
    there = {edition.language: edition for edition in editions()}
    parser.add_argument("--language", metavar="CODE", choices=there, help=f"one other language: {', '.join(there)}")
    asked = parser.parse_args(arguments)
    edition = there.get(asked.language)
    lessons = edition.lectures if edition else LESSONS
    unknown = set(asked.lessons) - {lesson.number for lesson in lessons}
    if unknown:
        parser.error(f"there is no lesson {sorted(unknown)}" + (f" in {edition.name}" if edition else ""))
    chosen = tuple(lesson for lesson in lessons if not asked.lessons or lesson.number in asked.lessons)
    print("\n".join(map(minutes_told, chosen)))
    if edition:
        use_language(edition.language)
        write_edition(edition, chosen, EDITION.with_name(f"{EDITION.name}-{edition.language}"))
        return 0
    if not asked.lessons:
        return build()
    write_decks(chosen, EDITION / "slides")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

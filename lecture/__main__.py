"""Build the slides of every lesson.

    python -m lecture            all of it, into site-instructor/
    python -m lecture 01 05      the slides of these lessons only

Nothing is executed: the slides show what the committed notebooks hold.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from lecture.deck import deck, write_shared
from lecture.plan import minutes_of
from lecture.polls import read_bank
from lecture.slides import CUTS, read_slides
from vlmteach.course import LESSONS, Lesson

ROOT = Path(__file__).resolve().parents[1]
EDITION = ROOT / "site-instructor"


def write_decks(lessons: list[Lesson], folder: Path) -> None:
    """The slides of these lessons, with all they need, into a folder."""
    shutil.rmtree(folder / "shared", ignore_errors=True)
    write_shared(folder / "shared")
    for lesson in lessons:
        slides, polls = read_slides(lesson), read_bank(lesson)
        (folder / f"{lesson.number:02d}.html").write_text(deck(lesson, slides, polls), "utf-8")
        spent = [minutes_of(slides, polls, cut) for cut in CUTS]
        print(f"{lesson.name}:", ", ".join(f"{each.slides} slides in {each.total} min" for each in spent))


def main(arguments: list[str]) -> int:
    """Build what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", type=int, help="lesson numbers, for instance 01 05")
    asked = parser.parse_args(arguments)
    unknown = set(asked.lessons) - {lesson.number for lesson in LESSONS}
    if unknown:
        parser.error(f"there is no lesson {sorted(unknown)}")
    write_decks([x for x in LESSONS if x.number in asked.lessons or not asked.lessons], EDITION / "slides")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

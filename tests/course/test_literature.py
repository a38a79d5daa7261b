import json
import re
from importlib import resources

import build_lessons

from vlmteach.course import LESSONS

LITERATURE = json.loads((resources.files("vlmteach.course") / "literature.json").read_text(encoding="utf-8"))


def test_every_paper_that_a_lesson_cites_is_listed_once_and_nothing_else() -> None:
    cells = [cell for lesson in LESSONS for cell in build_lessons.read_source(lesson).cells]
    cited = {paper for cell in cells for paper in re.findall(r"\b\d{4}\.\d{4,5}\b", cell.source)}
    assert sorted(cited) == LITERATURE

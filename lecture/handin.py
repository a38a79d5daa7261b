"""A hand-in: a short notebook of a lesson's exercises alone, which needs nothing of the lesson but the package.

python -m lecture.handin 01 hand-in.ipynb
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import build_lessons
import nbformat
from nbformat import NotebookNode

from vlmteach.course import Lesson, get_lesson

_SETUP = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F"


def handin(lesson: Lesson) -> NotebookNode:
    """The notebook: set-up, then what each exercise asks, its answer cell and its check, as in the lesson."""
    source = build_lessons.read_source(lesson)
    bootstrap = next(cell for cell in source.cells if "bootstrap" in cell.metadata.get("tags", []))
    cells = [
        nbformat.v4.new_markdown_cell(
            f"# Hand-in {lesson.number:02d} · {lesson.title}\n\nAnswer in the cells below, run each check, save, and "
            "hand this file in. You may add cells; keep the names that are asked for."
        ),
        bootstrap,
        nbformat.v4.new_code_cell(_SETUP),
    ]
    for above, cell in zip(source.cells, source.cells[1:], strict=False):
        tags = cell.metadata.get("tags", [])
        if any(tag.startswith("exercise-") for tag in tags):
            asked = re.sub(r"^#+ .*$", "", above.source, flags=re.MULTILINE).strip()
            cells += [nbformat.v4.new_markdown_cell(asked), cell]
        elif any(tag.startswith("check-") for tag in tags):
            cells.append(cell)
    for number, cell in enumerate(cells):
        cell.id = f"handin-{lesson.number:02d}-{number}"
    return nbformat.v4.new_notebook(cells=cells, metadata=source.metadata)


def main(arguments: list[str]) -> int:
    """Write one hand-in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lesson", type=int)
    parser.add_argument("file", type=Path)
    asked = parser.parse_args(arguments)
    notebook = handin(get_lesson(asked.lesson))
    nbformat.validate(notebook)
    nbformat.write(notebook, asked.file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

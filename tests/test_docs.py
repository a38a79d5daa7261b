"""The examples of the README and of docs/ run as they stand and print what the page says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from vlmteach.views import PatchView

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)


def run_examples(page: Path) -> dict:
    """Run a page's examples one after the other, compare what they print, and return the names they made."""
    names: dict = {}
    for code, expected in EXAMPLE.findall(page.read_text("utf-8")):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(page), "exec"), names)
        assert printed.getvalue() == expected
    return names


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```python" in page.read_text("utf-8")], ids=lambda page: page.stem
)
def test_the_examples_of_a_page_print_what_it_says(page: Path) -> None:
    names = run_examples(page)

    if page.stem == "patchview":
        assert isinstance(names["view"], PatchView)
        assert names["view"].to_html().startswith("<!doctype html>")


def test_both_tools_have_a_page_with_an_example() -> None:
    assert {"patchview", "receptive_field"} <= {page.stem for page in PAGES if EXAMPLE.search(page.read_text("utf-8"))}

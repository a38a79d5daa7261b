"""No stored text of a lesson holds digits that another processor rounds in another way."""

from __future__ import annotations

import html

import build_lessons
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from support.lucky_digits import lucky_digits, readable, readable_in_html

from vlmteach.course import LESSONS
from vlmteach.views.page import in_frame, make_page


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_no_stored_text_holds_lucky_digits(lesson) -> None:
    notebook = nbformat.read(build_lessons.NOTEBOOKS / f"{lesson.name}.ipynb", as_version=4)
    texts = list(readable(notebook))
    assert len(texts) > 10
    assert {number: found for number, text in texts if (found := lucky_digits(text))} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no positions: 1.2e-07; sines, cosines: 0.09", ["1.2e-07"]),
        ("0.1 + 0.2 is 0.30000000000000004.", ["0.30000000000000004"]),
        ("in all 383.99999999999994 pixels", ["383.99999999999994"]),
        ("loss 0.6931472", ["0.6931472"]),
        ("sums of the rows: [1.0000001, 1.0]", ["1.0000001"]),
        ("0.5000000", ["0.5000000"]),
        ("mean -0.00", ["-0.00"]),
        ("[-0. 1.]", ["-0"]),
        ("mean −0", ["−0"]),
        ("[1.e-07 2.e+00]", ["1.e-07"]),
        ("a change of 0.00003", ["0.00003"]),
        ("below 2.4e-7", ["2.4e-7"]),
        ("equal: 1e-7", ["1e-7"]),
        ("from 3e-8 to 1E-16", ["3e-8", "1E-16"]),
        ("off by 5e-324pixels", ["5e-324"]),
        ("1,234.5678 numbers", ["1,234.5678"]),
    ],
)
def test_digits_that_are_rounding_are_found(text: str, found: list[str]) -> None:
    assert lucky_digits(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "learning rate 1e-3, then 0.0013 and 4e-4",
        "changed by less than 1e-5: True",
        "no positions: below 1e-5",
        "equal to 1e-12: True; above 1e-6: True; ≤ 2e-7; at most 0.00001",
        "43,712,278 numbers, 16777216 colours",
        "torch 2.14.1, Linux-6.18.44-fc-v657-x86_64-with-glibc2.36",
        "Dosovitskiy et al., 2010.11929 and 1908.02265",
        "0.00, 0.0, -0.05, 1.00, 0.123456, 12.5 %, 100.352",
        "row 0, column -1, 10-0, 3–0, page 12-0004",
        "2.3e+03 tokens, 1e6 steps",
        "a0.12345678 v1.23456789",
    ],
)
def test_other_numbers_may_stay(text: str) -> None:
    assert lucky_digits(text) == []


def test_every_text_of_a_notebook_is_read() -> None:
    page = make_page(
        "explorer", "views/systems", "a title", {"notes": ["in a note"], "rows": [{"told": "in a row"}], "n": 1}
    )
    outputs = [
        new_output("stream", text="printed"),
        new_output(
            "execute_result", {"text/plain": "plain", "image/png": "aa"}, metadata={"image/png": {"alt": "an alt"}}
        ),
        new_output("display_data", {"text/html": '<p>words</p><img alt="a &lt; b" src="data:image/png;base64,aa">'}),
        new_output("display_data", {"text/html": in_frame(page, "a frame", 100, "")}),
    ]
    cells = [new_markdown_cell("not this"), new_code_cell("x"), new_code_cell(outputs=outputs)]
    texts = [text for _, text in readable(new_notebook(cells=cells))]
    for expected in ["printed", "plain", "an alt", "words", "a < b", "a frame", "a title", "in a note", "in a row"]:
        assert expected in texts
    assert {number for number, _ in readable(new_notebook(cells=cells))} == {1}
    assert not [text for text in texts if "color-scheme" in text or "import" in text or "base64" in text]


def test_a_frame_is_read_however_deep_it_lies() -> None:
    page = "<p title='here'>text</p>"
    for _ in range(3):
        page = f'<iframe srcdoc="{html.escape(page)}"></iframe>'
    assert readable_in_html(page) == ["here", "text"]

import html
import json
import re
from xml.etree import ElementTree

import pytest

from vlmteach.views import SystemsView

NASTY = '</script><script>alert(1)</script> "quoted" & <b>bold</b> é'


def table(name="LLaVA"):
    filled = {"systems": [{"name": name, "year": 2023, "facts": [["encoder", name]]}], "refusal": "", "code": "1 < 2"}
    empty = {"systems": [], "refusal": "", "code": "pass"}
    return {
        "rows": [{"title": "ViT", "family": "vit", "explains": "patches"}],
        "columns": [{"title": "Prefix", "explains": "in front"}, {"title": "Cross", "explains": "asks"}],
        "cells": [[filled, empty]],
    }


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1))


def test_the_page_asks_for_nothing_from_outside():
    page = SystemsView(table()).to_html()
    assert not re.search(r"https?://|src=|@import|url\(", page)


def test_whatever_a_name_contains_stays_text():
    page = SystemsView(table(NASTY), title=NASTY).to_html()
    assert page.count("</script>") == 3
    assert data_of(page)["cells"][0][0]["systems"][0]["name"] == NASTY
    assert f"<title>{html.escape(NASTY)}</title>" in page


def test_in_a_notebook_it_is_a_frame_with_a_name_and_a_sentence():
    bundle = SystemsView(table())._repr_mimebundle_()
    assert bundle["text/plain"] == "SystemsView(1 systems in 1 of 2 cells)"
    frame = re.match(
        r"""<div><iframe title="([^"]+)" style="[^"]*" srcdoc='([^']*)'></iframe><div>""", bundle["text/html"]
    )
    assert frame.group(1) == "Real systems: which encoder, which connector"
    assert html.unescape(frame.group(2)) == SystemsView(table()).to_html()


def test_where_the_frame_is_taken_away_a_plain_table_and_a_sentence_remain():
    page = SystemsView(table(NASTY), title=NASTY)._repr_mimebundle_()["text/html"]
    left = ElementTree.fromstring(re.sub(r"<iframe.*?</iframe>", "", page, flags=re.DOTALL))
    assert left.find(".//caption").text == NASTY
    assert [cell.text for cell in left.findall(".//td")] == [None, f"{NASTY} (2023)", "–"]
    assert "run this cell or trust the notebook" in left.find(".//p").text
    assert {part.tag for part in left.iter()} == {"div", "table", "caption", "tr", "th", "td", "p"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t["cells"][0].pop(), "one cell for each column"),
        (lambda t: t["rows"][0].update(family="rnn"), "no colour for the family"),
        (lambda t: t["cells"][0][0].update(systems=[]), "no cell of the table holds a system"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(change, words):
    broken = table()
    change(broken)
    with pytest.raises(ValueError, match=words):
        SystemsView(broken)

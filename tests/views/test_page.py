"""A page's script: one text out of a module and all that it imports."""

import json
import re

import pytest

from vlmteach.language import use_language
from vlmteach.views import page


@pytest.fixture
def files(monkeypatch):
    found = {}
    monkeypatch.setattr(page, "_resource", found.__getitem__)
    return found


def test_what_is_imported_comes_once_and_before_it_is_used(files):
    files["a/main.js"] = 'import { one } from "./one.js";\nimport { two } from "../b/two.js";\nmain();\n'
    files["a/one.js"] = 'import { two, three } from "../b/two.js";\none();\n'
    files["b/two.js"] = "two();\n"
    assert page.one_script("a/main.js").split() == ["two();", "one();", "main();"]


def test_comments_stay_behind_and_what_only_looks_like_one_does_not(files):
    files["a/main.js"] = '// a module\n  // and its main\nmain("https://example.org"); // now\n'
    assert page.one_script("a/main.js") == 'main("https://example.org"); // now\n'


@pytest.mark.parametrize(
    "line",
    [
        'import { x } from "https://example.org/x.js";',
        'import x from "./x.js";',
        'import "./x.js";',
        'import { x } from "three";',
        "import {",
    ],
)
def test_an_import_that_a_page_on_disk_could_not_follow_is_refused(files, line):
    files["a/main.js"] = f"{line}\nmain();\n"
    with pytest.raises(ValueError, match=r"a/main\.js says"):
        page.one_script("a/main.js")


def test_the_texts_of_a_script_reach_the_page_in_the_language_in_use(files):
    files["a/main.js"] = 'said = _("Layer") + _("no such \\"text\\"") + make_("Word") + _("Layer", { x });\n'
    files["a/main.css"] = ""

    def texts():
        made = page.make_page("id", "a/main", "title", {})
        return json.loads(re.search('id="texts">(.*?)</script>', made)[1])

    assert page.marked_texts(files["a/main.js"]) == ["Layer", 'no such "text"']
    assert texts() == {}
    use_language("ja")
    try:
        assert texts() == {"Layer": "層"}
    finally:
        use_language("en")

"""Editions cannot fall behind: every catalogue is whole and true to the English, and each way not to be is found."""

from __future__ import annotations

import gettext
import shutil
from pathlib import Path

import catalogues
import pytest
from build_lessons import SOURCES
from catalogues import behind, compiled_path, package_messages, templates, update, updated
from editions import PACKAGE, Edition, editions, shown_by_lesson
from matplotlib.font_manager import FontProperties, findfont, get_font
from prose import messages, translated
from readme import CATALOGUE as README

from vlmteach import language
from vlmteach.course import LESSONS
from vlmteach.course.terms import TERMS
from vlmteach.language import FROM_LESSON
from vlmteach.views.page import marked_texts

each_edition = pytest.mark.parametrize("edition", editions(), ids=lambda edition: edition.language)


@each_edition
def test_an_edition_is_whole(edition: Edition) -> None:
    assert list(behind(edition)) == [], "run `make translate`, and translate what it names"


@each_edition
def test_its_files_are_as_make_translate_writes_them(edition: Edition) -> None:
    for name, template in templates(edition):
        before = edition.catalogue_path(name).read_bytes()
        assert edition.as_text(updated(edition.catalogue(name), template)) == before, name


@each_edition
def test_it_has_a_catalogue_for_each_of_its_lessons_and_no_other(edition: Edition) -> None:
    names = {path.stem for path in edition.folder.glob("*.po")}
    assert names == {PACKAGE, README, *(lesson.name for lesson in edition.lessons)}


@each_edition
def test_a_message_is_translated_in_one_way_but_for_what_each_lesson_hands_to_its_figures(edition: Edition) -> None:
    found: dict[str, set[str]] = {}
    for name, _template in templates(edition):
        for message in edition.catalogue(name):
            if message.context != FROM_LESSON:
                found.setdefault(str(message.id), set()).add(str(message.string))
    assert {text: ways for text, ways in found.items() if len(ways) > 1} == {}


@each_edition
def test_every_letter_is_in_a_font_of_matplotlib_or_of_the_package(edition: Edition) -> None:
    fonts = [get_font(findfont(FontProperties(family=name))) for name in ("DejaVu Sans", "IPAexGothic")]
    texts = {str(message.string) for message in edition.catalogue(PACKAGE)}
    for lesson in edition.lessons:
        texts |= set(shown_by_lesson(edition.catalogue(lesson.name)).values())
    letters = {letter for text in texts for letter in text if not letter.isspace()}
    assert len(letters) > 100
    assert {letter for letter in letters if not any(font.get_char_index(ord(letter)) for font in fonts)} == set()


def test_the_course_s_own_glossary_has_the_japanese_edition_s_terms() -> None:
    (japanese,) = (edition for edition in editions() if edition.language == "ja")
    terms = japanese.glossary
    for english, shown, _meaning in TERMS:
        for term in english.removesuffix(" (VLM)").split(", "):
            if term in terms:
                assert terms[term] in shown, term


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_whose_messages_stay_as_they_are_says_the_same(lesson) -> None:
    source = (SOURCES / f"{lesson.name}.md").read_text("utf-8")
    assert "```{code-cell}" not in "".join(messages(source))
    again = translated(source, lambda message: message)
    assert messages(again) == messages(source)
    assert code_of(again) == code_of(source)


def test_the_page_of_a_script_finds_each_text_that_the_catalogues_have() -> None:
    scripts = [path.read_text("utf-8") for path in (catalogues.ROOT / PACKAGE).rglob("*.js")]
    marked = [text for text, files in package_messages().items() if any(file.endswith(".js") for file in files)]
    assert "Occlude a cell" in marked
    assert sorted({text for script in scripts for text in marked_texts(script)}) == sorted(marked)


def code_of(source: str) -> list[str]:
    return [part.split("\n```")[0] for part in source.split("```{code-cell}")[1:]]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edition:
    """The Japanese edition and the sources of the lessons, to be changed."""
    (japanese,) = (edition for edition in editions() if edition.language == "ja")
    package_messages()  # kept from here on
    shutil.copytree(japanese.folder, tmp_path / "ja")
    shutil.copytree(SOURCES, tmp_path / "src")
    monkeypatch.setattr(catalogues, "SOURCES", tmp_path / "src")
    monkeypatch.setattr(catalogues, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    edition = Edition("ja", tmp_path / "ja")
    catalogues.compile_catalogues(edition)
    assert list(behind(edition)) == []
    return edition


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [("That is a good answer.", "That is an answer."), ("196 tokens", "197 tokens"), ("## Summary", "## End")],
)
def test_a_changed_english_sentence_is_found_and_keeps_its_old_translation_as_fuzzy(
    copy: Edition, tmp_path: Path, old: str, new: str
) -> None:
    replace(tmp_path / "src" / "00_start_here.md", old, new)
    assert sorted(problem.split(": ")[1] for problem in behind(copy)) == [
        "left over, the English is gone",
        "not translated",
    ]
    update(copy)
    (left,) = behind(copy)
    assert left.startswith("ja/00_start_here.po: ")
    assert "fuzzy" in left or new == "## End"  # too short to be like anything
    assert new.removeprefix("## ") in left


def test_a_changed_verdict_is_found(copy: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    said = package_messages()
    changed = {
        message.replace("You counted pixels", "You have counted pixels"): files for message, files in said.items()
    }
    monkeypatch.setattr(catalogues, "package_messages", lambda: changed)
    update(copy)
    assert [problem.split(": ")[1] for problem in behind(copy)] == ["fuzzy, the English has changed"]


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("00_start_here.po", "どちらも196個", "どちらも169個", "numbers are lost: ['196']"),
        ("00_start_here.po", "（1502.03044）", "（1502.03043）", "numbers are lost: ['1502.03044']"),
        ("00_start_here.po", '`\\"true\\"`（', '`\\"True\\"`（', "code "),
        ("00_start_here.po", '](01_from_feature_map_to_tokens.ipynb)"\n', '](02_from.ipynb)"\n', "link "),
        ("00_start_here.po", "コネクタを通ると", "接続層を通ると", "“connector” is コネクタ"),
        ("vlmteach.po", "シード{seed}", "シード", "placeholder "),
        ("vlmteach.po", 'msgstr "このレッスン"', 'msgstr ""', "not translated"),
    ],
)
def test_a_translation_that_says_something_else_is_found(
    copy: Edition, file: str, old: str, new: str, found: str
) -> None:
    text = (copy.folder / file).read_text("utf-8")
    start = text.rindex(old)  # the translation, not the message
    (copy.folder / file).write_text(text[:start] + new + text[start + len(old) :], "utf-8")
    catalogues.compile_catalogues(copy)
    left = list(behind(copy))
    assert [problem for problem in left if found in problem], left


def test_a_text_that_two_lessons_translate_differently_is_what_each_of_them_says(copy: Edition, monkeypatch) -> None:
    for lesson, said in ((LESSONS[3], "赤"), (LESSONS[4], "red")):
        catalogue = copy.catalogue(lesson.name)
        for text, string in (("red", said), ("an apple", "りんご")):
            catalogue.delete(text, context=FROM_LESSON)
            catalogue.add(text, string, context=FROM_LESSON)
        copy.write(lesson.name, catalogue)
    catalogues.compile_catalogues(copy)
    with compiled_path(copy).open("rb") as file:
        monkeypatch.setattr(language, "_catalogue", gettext.GNUTranslations(file))
    for number, said in ((3, "赤"), (4, "red")):
        monkeypatch.setattr(language, "_lesson", number)
        assert (language.from_lesson("red"), language.from_lesson("an apple")) == (said, "りんご")


def test_a_translation_that_was_not_compiled_is_found(copy: Edition) -> None:
    replace(copy.folder / "vlmteach.po", 'msgstr "質問"', 'msgstr "問い"')
    assert list(behind(copy)) == [f"{compiled_path(copy).relative_to(catalogues.ROOT)} is older than its catalogues"]


def test_what_the_translator_wrote_beside_a_message_stays(copy: Edition) -> None:
    before = (copy.folder / "vlmteach.po").read_text("utf-8")
    assert "# without: " in before
    update(copy)
    assert (copy.folder / "vlmteach.po").read_text("utf-8") == before

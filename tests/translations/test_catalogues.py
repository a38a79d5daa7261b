"""Editions cannot fall behind: every catalogue is whole and true to the English, and each way not to be is found."""

from __future__ import annotations

import ast
import gettext
import re
import shutil
from pathlib import Path

import catalogues
import pytest
from build_lessons import SOURCES
from catalogues import behind, compiled_path, package_messages, templates, update, updated
from editions import PACKAGE, Edition, editions, lecture_name, shown_by_lesson
from lecture_marks import read_marks
from matplotlib.font_manager import FontProperties, findfont, get_font
from prose import lecture_messages, messages, translated, translated_mark
from readme import CATALOGUE as README

from lecture.deck import markdown
from lecture.polls import read_bank
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
def test_it_has_a_catalogue_for_each_of_its_lessons_and_lectures_and_no_other(edition: Edition) -> None:
    names = {path.stem for path in edition.folder.glob("*.po")}
    lectures = map(lecture_name, edition.lectures)
    assert names == {PACKAGE, README, *(lesson.name for lesson in edition.lessons), *lectures}


@each_edition
def test_a_message_is_translated_in_one_way_but_for_what_each_lesson_hands_to_its_figures(edition: Edition) -> None:
    found: dict[str, set[str]] = {}
    for name, _template in templates(edition):
        for message in edition.catalogue(name):
            if message.id and message.context != FROM_LESSON:
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


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_slide_whose_messages_stay_as_they_are_says_the_same(lesson) -> None:
    for mark in read_marks((SOURCES / f"{lesson.name}.md").read_text("utf-8")):
        again = translated_mark(mark, lambda message: message)
        assert [markdown(text) for text in (again.text, again.notes)] == [markdown(mark.text), markdown(mark.notes)]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lecture_has_messages_for_all_it_says_and_none_that_the_lesson_has(lesson) -> None:
    source, bank = SOURCES / f"{lesson.name}.md", catalogues.BANK / f"{lesson.number:02d}.yaml"
    its, own = lecture_messages(source.read_text("utf-8"), bank.read_text("utf-8")), messages(source.read_text("utf-8"))
    assert set(its).isdisjoint(own)
    said: set[str] = set()
    for mark in read_marks(source.read_text("utf-8")):
        said |= {mark.title, *re.findall(r"^(?!- |\d\. |\$|\||>)\S.*$", f"{mark.text}\n\n{mark.notes}", re.MULTILINE)}
    for poll in read_bank(lesson).values():
        said |= {poll.ask, *(text for option in poll.options for text in (option.say, option.why))}
    assert said <= {*its, *own}


def test_every_marked_text_is_found_also_where_no_catalogue_can_look() -> None:
    files = {file for found in package_messages().values() for file in found if file.endswith(".py")}
    assert {"lecture/deck.py", "lecture/plan.py", "notebooks/build_lessons.py"} <= files
    marked = set()
    for folder, pattern, spoken in catalogues.MARKED:
        for path in folder.glob(pattern.replace("**.", "**/*.")) if spoken == "python" else ():
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in catalogues.MARKS:
                    marked |= {part.value for part in node.args if isinstance(part, ast.Constant)}
    assert marked - {""} <= package_messages().keys(), "a mark inside an f-string is not found: put it before"


def test_the_page_of_a_script_finds_each_text_that_the_catalogues_have() -> None:
    scripts = [path.read_text("utf-8") for path in (catalogues.ROOT / PACKAGE).rglob("*.js")]
    marked = [text for text, files in package_messages().items() if any(file.endswith(".js") for file in files)]
    assert "Occlude a cell" in marked
    assert sorted({text for script in scripts for text in marked_texts(script)}) == sorted(marked)


def code_of(source: str) -> list[str]:
    return [part.split("\n```")[0] for part in source.split("```{code-cell}")[1:]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Japanese edition of one lesson and its lecture, compiled, and the sources."""
    (japanese,) = (edition for edition in editions() if edition.language == "ja")
    package_messages()  # kept from here on
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(japanese.folder, folder / "ja")
    shutil.copytree(SOURCES, folder / "src")
    shutil.copytree(catalogues.BANK, folder / "bank")
    with pytest.MonkeyPatch.context() as patched:
        read_from(folder, patched)
        edition = with_parts(Edition("ja", folder / "ja"), lessons=[0], lectures=[0])
        catalogues.compile_catalogues(edition)
        assert list(behind(edition)) == []
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edition:
    """A copy of it, to be changed."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    read_from(tmp_path, monkeypatch)
    return Edition("ja", tmp_path / "ja")


def read_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything of the catalogues from this folder."""
    for name, part in (("ROOT", ""), ("SOURCES", "src"), ("BANK", "bank"), ("LOCALE", "locale")):
        monkeypatch.setattr(catalogues, name, folder / part)


def with_parts(edition: Edition, lessons: list[int], lectures: list[int]) -> Edition:
    """The edition with these lessons and lectures."""
    settings = edition.folder / "edition.toml"
    text = settings.read_text("utf-8")
    for name, numbers in (("lessons", lessons), ("lectures", lectures)):
        text = re.sub(rf"^{name} = .*$", f"{name} = {numbers}", text, flags=re.MULTILINE)
    settings.write_text(text, "utf-8")
    return Edition(edition.language, edition.folder)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new), "utf-8")


def left_after(edition: Edition, path: Path, old: str, new: str) -> str:
    """What an update leaves to do after a change of an English text, which is found before it."""
    replace(path, old, new)
    assert sorted(problem.split(": ")[1] for problem in behind(edition)) == [
        "left over, the English is gone",
        "not translated",
    ]
    update(edition)
    (left,) = behind(edition)
    return left


@pytest.mark.parametrize(
    ("old", "new"),
    [("claims can be measured.", "they can be measured."), ("196 tokens", "197 tokens"), ("## Summary", "## End")],
)
def test_a_changed_english_sentence_is_found_and_keeps_its_old_translation_as_fuzzy(
    copy: Edition, tmp_path: Path, old: str, new: str
) -> None:
    left = left_after(copy, tmp_path / "src" / "00_start_here.md", old, new)
    assert left.startswith("ja/00_start_here.po: ")
    assert "fuzzy" in left or new == "## End"  # too short to be like anything
    assert new.removeprefix("## ") in left


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("src/00_start_here.md", ":::{slide} Both tile the picture", ":::{slide} Both of them tile the picture"),
        ("src/00_start_here.md", "Insist on the prediction: a student", "Insist on a prediction: a student"),
        ("bank/00.yaml", "say: The CNN, when the things", "say: The CNN, when things"),
    ],
)
def test_a_changed_slide_note_or_poll_is_found_and_keeps_its_old_translation_as_fuzzy(
    copy: Edition, tmp_path: Path, file: str, old: str, new: str
) -> None:
    left = left_after(copy, tmp_path / file, old, new)
    assert left.startswith("ja/00_lecture.po: fuzzy")


def test_a_lecture_that_is_not_translated_yet_is_nothing_left_to_do(copy: Edition) -> None:
    (copy.folder / "00_lecture.po").unlink()
    assert any(problem.startswith("ja/00_lecture.po: not translated") for problem in behind(copy))
    assert list(behind(with_parts(copy, lessons=[0], lectures=[]))) == []


def test_a_lecture_of_a_lesson_that_an_edition_lacks_is_refused(copy: Edition) -> None:
    with pytest.raises(ValueError, match=r"names lectures that there are not: \[2\]; expected some of \[0, 1\]"):
        _ = with_parts(copy, lessons=[0, 1], lectures=[0, 2]).lectures


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
        ("00_lecture.po", "256個の新しい", "265個の新しい", "numbers are lost: ['256']"),
        ("00_lecture.po", "`hint()`を", "`hint`を", "code "),
        ("00_lecture.po", "幅を合わせるのはコネクタ", "幅を合わせるのは接続層", "“connector” is コネクタ"),
        ("00_lecture.po", 'msgstr "どれでもない"', 'msgstr ""', "not translated"),
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
    copy = with_parts(copy, lessons=[3, 4], lectures=[])
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

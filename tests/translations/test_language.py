"""The one door through which texts are translated."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import torch

from vlmteach import course, language
from vlmteach.course.exercises import lesson_00, lesson_07
from vlmteach.course.terms import TERMS
from vlmteach.language import N_, _, asked, current_language, from_lesson, use_language


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    use_language("en")


def test_without_being_told_everything_is_english() -> None:
    assert current_language() == "en"
    assert _("question") == from_lesson("question") == N_("question") == "question"


def test_a_language_is_used_from_then_on_and_can_be_left() -> None:
    use_language("ja")
    assert (current_language(), _("question")) == ("ja", "質問")
    use_language("en")
    assert (current_language(), _("question")) == ("en", "question")


def test_a_message_without_a_translation_stays_as_it_is() -> None:
    use_language("ja")
    assert _("no such message {here}") == "no such message {here}"
    assert _("") == ""


def test_placeholders_are_filled_in_after_translating() -> None:
    use_language("ja")
    assert _("row {row}, column {column}", row=2, column=5) == "2行5列"


def test_a_message_of_a_table_keeps_what_fills_it_until_it_is_shown() -> None:
    marked = N_("row {row}, column {column}", row=2, column=5)
    assert marked == _(marked) == "row 2, column 5"
    use_language("ja")
    assert (marked, _(marked)) == ("row 2, column 5", "2行5列")


def test_a_text_of_a_lesson_is_not_taken_for_one_of_the_package() -> None:
    use_language("ja")
    assert _("question") == "質問"
    assert from_lesson("question of its own") == "question of its own"


@pytest.mark.parametrize("name", ["xx", "", "jp", "../ja", None])
def test_an_unknown_language_is_refused_and_changes_nothing(name) -> None:
    use_language("ja")
    with pytest.raises(ValueError, match=r"there is no language .*; expected one of en, ja"):
        use_language(name)
    assert _("question") == "質問"


def test_what_was_to_be_shown_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_asked", {})
    _("one")
    from_lesson("two")
    from_lesson("16 × 16")  # nothing to translate
    _("one")
    assert asked() == [("", "one"), ("lesson", "two")]


def test_a_lesson_opens_in_the_language_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    course.start(0, language="ja")
    assert capsys.readouterr().out.startswith(
        "レッスン00：CNNは画像言語モデルの画像エンコーダになれるか（約15分）\n準備完了："
    )
    course.start(0)
    assert capsys.readouterr().out.startswith("Lesson 00: Can a CNN be")
    with pytest.raises(ValueError, match="there is no language 'fr'"):
        course.start(0, language="fr")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (
            lambda height, width, stride: (height // stride) * (width // stride),
            "正解です。正方形の行数と列数の積です。",
        ),
        (lambda height, width, stride: height * width, "不正解です。ピクセルを数えています。"),
        (lambda height, width, stride: print(), "不正解です。関数がNoneを返しました。"),
        (
            lambda height, width, stride: "many",
            "不正解です。height = 16, width = 32, stride = 16のとき：関数がstrを",
        ),
        (None, "未解答です。演習0.2の答えを上のセルに書き"),
        (7, "不正解です。intが渡されました。"),
        (lambda height, width, stride: height / 0, "エラーが出ました。セルの"),
        (
            lambda height, width: 1,
            "不正解です。関数の引数は(height, width)ですが、(height, width, stride)で",
        ),
    ],
)
def test_verdicts_are_in_the_lesson_s_language(answer, verdict: str) -> None:
    use_language("ja")
    assert str(lesson_00.count_tokens.check(answer)).startswith(verdict)


def test_hints_and_opinions_are_in_the_lesson_s_language(capsys: pytest.CaptureFixture[str]) -> None:
    use_language("ja")
    lesson_00.count_tokens.hint()
    lesson_00.expectations.solution()
    assert capsys.readouterr().out == (
        "ヒント1/2：一辺に正方形はいくつ並びますか。\n演習0.1はあなたの意見を尋ねています。正解も不正解もありません。\n"
    )
    said = lesson_00.expectations.check({"local": "perhaps", "grid": "true", "connector": "true", "reason": "true"})
    assert str(said) == (
        "不正解です。'local'に'perhaps'と書かれています。'true', 'false'、'it depends'のどれかを書いてください。"
    )


def test_the_ledger_is_in_the_lesson_s_language() -> None:
    use_language("ja")
    ledger = course.load_ledger()
    views = [ledger.sentences(), ledger.all(), ledger.changes(), course.glossary()]
    views += [ledger.claim(claim.key) for claim in ledger.claims]
    texts = {
        text for view in views for text in re.findall(r"<(?:p|li|strong|th|caption|td)\b[^>]*>([^<]+)", view.to_html())
    }
    english = {term for term, _japanese, _meaning in TERMS}
    assert len(texts) > 100
    assert [text for text in texts - english if not re.search("[ぁ-んァ-ヶ一-龠]|^\\d$", text)] == []


def test_the_article_s_sentence_stands_once_in_its_own_language() -> None:
    claim = course.load_ledger().find("only")
    for code, times in (("en", 1), ("ja", 0)):
        use_language(code)
        page = course.load_ledger().claim("only").to_html()
        assert (page.count(claim.japanese), page.count(claim.english)) == (1, times)


def test_the_table_of_real_systems_is_in_the_lesson_s_language_and_its_code_and_names_stay() -> None:
    english = course.load_systems().as_view()
    use_language("ja")
    japanese = course.load_systems().as_view()
    for one, other in zip(english["rows"] + english["columns"], japanese["rows"] + japanese["columns"], strict=True):
        assert one["title"] != other["title"]
        assert one["explains"] != other["explains"]
    cells = [cell for line in english["cells"] for cell in line], [cell for line in japanese["cells"] for cell in line]
    for one, other in zip(*cells, strict=True):
        assert one["code"] == other["code"]
        assert [system["name"] for system in one["systems"]] == [system["name"] for system in other["systems"]]
        assert not one["refusal"] or one["refusal"] != other["refusal"]
        for its, theirs in zip(one["systems"], other["systems"], strict=True):
            assert all(fact[0] != said[0] for fact, said in zip(its["facts"], theirs["facts"], strict=True))
            assert its["facts"][-1][1] == theirs["facts"][-1][1]  # where it can be checked


def test_why_a_mask_is_wrong_is_said_in_the_lesson_s_language() -> None:
    use_language("ja")
    said = str(lesson_07.mask.check(lambda picture, question, answer: torch.eye(picture + question + answer).bool()))
    assert "を見てはいけないことになっています。" in said
    assert "画像と質問は初めからそろっている" in said

"""Each way in which a translation can say something else than its message is found, and only those."""

from __future__ import annotations

import pytest
from babel.messages.catalog import Catalog, Message
from faithful import differences, problems

GLOSSARY = {"receptive field": "受容野", "effective receptive field": "有効受容野", "patch": "パッチ", "head": "ヘッド"}


@pytest.mark.parametrize(
    ("english", "other", "found"),
    [
        ("Lesson 02 says so.", "レッスンにあります。", "numbers are lost: ['02']"),
        ("7 × 7 = 49 cells", "7 × 7 = 48セル", "numbers are lost: ['49']"),
        ("some cells", "5個のセル", "numbers are new: ['5']"),
        ("two cells", "3個のセル", "numbers are new: ['3']"),
        ("*Flamingo*, 2204.14198", "*Flamingo*、2204.14918", "numbers are lost: ['2204.14198']"),
        ("Call `hint()`.", "`hint`を呼びます。", "code ['`hint()`'] became ['`hint`']"),
        ("It is $x^2$.", "$x^3$です。", "formula ['$x^2$'] became ['$x^3$']"),
        ("See [it](09_the_verdict.ipynb).", "[ここ](08_the_verdict.ipynb)を見てください。", "link "),
        ("See [it](a.ipynb).", "ここを見てください。", "link ['a.ipynb'] became []"),
        ("{count} tokens", "トークン", "placeholder ['{count}'] became []"),
        ("{share:.0%} of it", "その{share:.1%}", "placeholder ['{share:.0%}'] became ['{share:.1%}']"),
        ("{a} and {a}", "{a}", "placeholder ['{a}', '{a}'] became ['{a}']"),
        ("its receptive field", "その受容領域", "“receptive field” is 受容野"),
        ("Patches are cut.", "断片に切り分けます。", "“patch” is パッチ"),
        ("the effective receptive field", "実効的な受容野", "“effective receptive field” is 有効受容野"),
        ("a *word*:", "これは*「単語」*です。", "a * stays visible"),
        ("**Which?** One.", "**どれですか？**1つです。", "a * stays visible"),
    ],
)
def test_a_difference_is_found(english: str, other: str, found: str) -> None:
    assert next(differences(Message(english, other), GLOSSARY)).startswith(found)


@pytest.mark.parametrize(
    ("english", "other"),
    [
        ("Lessons 02 to 06.", "レッスン02から06。"),
        ("three parts, 14 × 14", "3つの部分、14 × 14"),
        ("the first of 1,024 cells", "1024個のセルの1つ目"),
        ("its receptive fields", "その受容野"),
        ("the effective receptive field", "有効受容野"),
        ("`patch` is an argument", "`patch`は引数です。"),
        ("*A patch is worth a word*, 2010.11929", "*A patch is worth a word*、2010.11929"),
        ("**References.** *A patch is worth a word*", "**参考文献。** *A patch is worth a word*"),
        ("dispatch the header", "ヘッダーを送ります。"),
        ("Write `{` or {name}.", "{name}か`{`を書きます。"),
        ("**Predict.** Which?", "**予想。** どれですか。"),
        ("3 * 4", "3 * 4"),
    ],
)
def test_what_says_the_same_is_left_alone(english: str, other: str) -> None:
    assert list(differences(Message(english, other), GLOSSARY)) == []


def test_a_term_may_be_left_out_when_the_translator_says_so() -> None:
    message = Message("head for the patch", "そこへ向かいます。", user_comments=["without: head, patch"])
    assert list(differences(message, GLOSSARY)) == []
    message.user_comments = ["without: head"]
    assert [told[:7] for told in differences(message, GLOSSARY)] == ["“patch”"]


def test_a_catalogue_says_what_is_missing_fuzzy_left_over_or_wrong() -> None:
    catalogue = Catalog(fuzzy=False)
    catalogue.add("whole", "全体")
    catalogue.add("changed", "変更前", flags=["fuzzy"])
    catalogue.add("gone", "なくなった")
    catalogue.add("empty", "")
    catalogue.add("1 cell", "2セル")
    catalogue.add("shown", "表示", context="lesson")
    wanted = [("", "whole"), ("", "changed"), ("", "new"), ("", "empty"), ("", "1 cell"), ("lesson", "shown")]
    assert sorted(problems(catalogue, wanted, {})) == [
        "fuzzy, the English has changed: 'changed'",
        "left over, the English is gone: 'gone'",
        "not translated: 'empty'",
        "not translated: 'new'",
        "numbers are lost: ['1']: '1 cell'",
        "numbers are new: ['2']: '1 cell'",
    ]

import re

import pytest

from vlmteach.pictures.scenes.answering import EXAMPLES, answer_to
from vlmteach.pictures.scenes.board import Scene
from vlmteach.pictures.scenes.questions import TEMPLATES, VOCABULARY

SCENE = Scene.parse(
    "red circle at row 1, column 4; blue circle at row 3, column 4; cyan cross at row 3, column 6;"
    "green square at row 5, column 1; green cross at row 6, column 6"
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("what shape is red ?", "circle"),
        ("what shape is cyan ?", "cross"),
        ("what colour is square ?", "green"),
        ("how many circle ?", "2"),
        ("how many square ?", "1"),
        ("how many triangle ?", "0"),
        ("which row is blue ?", "3"),
        ("which column is cyan ?", "6"),
        ("is red left of cyan ?", "yes"),
        ("is cyan left of red ?", "no"),
        ("is red left of blue ?", "no"),  # one below the other
        ("is red above blue ?", "yes"),
        ("is blue above red ?", "no"),
        ("is blue above cyan ?", "no"),  # side by side
        ("is red shaped like blue ?", "yes"),
        ("is red shaped like cyan ?", "no"),
    ],
)
def test_the_answer_is_right(question, answer):
    assert answer_to(SCENE, question) == answer
    assert answer in VOCABULARY


@pytest.mark.parametrize("question", ["What shape is red?", "  what   shape is RED", "what shape is red  ?\n"])
def test_case_spaces_and_the_question_mark_do_not_count(question):
    assert answer_to(SCENE, question) == "circle"


def test_there_is_an_example_of_every_template():
    assert len(EXAMPLES) == len(TEMPLATES)
    assert not any("{" in example for example in EXAMPLES)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("what shape is yellow ?", "no thing is yellow, so the question has no answer"),
        ("which row is green ?", "2 things are green, so the question has no one answer"),
        ("is red left of green ?", "2 things are green"),
        ("is yellow above red ?", "no thing is yellow"),
        ("what colour is triangle ?", "no thing is a triangle"),
        ("what colour is circle ?", "2 things are circles"),
        ("what colour is cross ?", "2 things are crosses"),
        ("is red shaped like red ?", "the question compares red with itself; expected two colours"),
        ("what shape is purple ?", "there is no colour 'purple'; expected one of red"),
        ("what shape is circle ?", "there is no colour 'circle'"),
        ("how many circles ?", "there is no shape 'circles'; expected one of circle, square, triangle, cross. Did you"),
        ("is red below blue ?", '"is red below blue ?" is not a question that can be asked; expected one like "is red'),
        ("which line is red ?", '"which row is red ?"'),
        ("", '"" is not a question that can be asked; expected one like "what shape is red ?"'),
        ("what shape is red blue ?", "is not a question that can be asked"),
    ],
)
def test_a_question_without_an_answer_is_refused_with_a_sentence(question, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        answer_to(SCENE, question)


def test_more_things_than_there_are_numbers_are_refused():
    rows = "; ".join(f"red circle at row {1 + n // 6}, column {1 + n % 6}" for n in range(9))

    with pytest.raises(ValueError, match="9 things are circles, and the vocabulary counts only to 8"):
        answer_to(Scene.parse(rows), "how many circle ?")
    assert answer_to(Scene.parse(rows.rsplit(";", 1)[0]), "how many circle ?") == "8"

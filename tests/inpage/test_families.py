"""What the page says about the families of questions, beside the questions that training asks."""

import pytest

from vlmteach.inpage.page import FAMILIES
from vlmteach.inpage.words import course_words
from vlmteach.language import use_language
from vlmteach.pictures import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.questions import TEMPLATES, VOCABULARY
from vlmteach.pictures.scenes.sampling import SHAPES

BATCH = make_batch(256, 0)


def without_names(question):
    """A question with every colour and shape left open."""
    return " ".join("…" if word in (*COLOURS, *SHAPES) else word for word in question.split())


@pytest.mark.parametrize("family", QUESTION_FAMILIES)
def test_a_familys_example_is_asked_in_that_family_and_the_family_is_explained(family):
    explained, example = FAMILIES[family]
    words = BATCH.words[BATCH.family == QUESTION_FAMILIES.index(family)].tolist()
    asked = {without_names(" ".join(VOCABULARY[word] for word in line if word)) for line in words}
    assert without_names(example) in asked
    assert len(explained.split()) >= 5


def test_no_family_is_left_out():
    assert tuple(FAMILIES) == QUESTION_FAMILIES


def test_in_another_language_every_word_and_question_to_pick_has_a_meaning():
    said = course_words()["said"]
    assert said["templates"] == list(TEMPLATES)
    use_language("ja")
    try:
        meant = course_words()["said"]
    finally:
        use_language("en")
    assert set(meant["words"]) == {*COLOURS, *SHAPES}
    assert not set(meant["words"].values()) & {*COLOURS, *SHAPES}
    assert not set(meant["templates"]) & set(TEMPLATES)

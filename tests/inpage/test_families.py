"""What the page says about the families of questions, beside the questions that training asks."""

import pytest

from vlmteach.inpage.page import FAMILIES
from vlmteach.pictures import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.questions import VOCABULARY
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

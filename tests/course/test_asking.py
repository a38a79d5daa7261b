import pytest

from vlmteach.course.asking import draw_asked, playground
from vlmteach.experiments.matrix import build_vlm
from vlmteach.pictures import Scene, Thing, draw_scene
from vlmteach.views import alt_text

THINGS = (Thing("square", "red", 2, 2), Thing("circle", "blue", 5, 5))
QUESTIONS = ["what shape is red ?", "is red left of blue ?"]


@pytest.fixture(scope="module")
def models():
    return {
        "asks": build_vlm("cnn-small", "cross-attention", positions=True, seed=0).eval(),
        "one vector": build_vlm("cnn-small", "vector", positions=False, seed=0).eval(),
    }


@pytest.fixture
def view(models):
    return playground(models, THINGS, QUESTIONS)


def described(view):
    return alt_text(view.draw(**view.state()))


def test_it_shows_the_models_answer_and_the_right_one(models, view):
    first = next(iter(models["asks"].answer(draw_scene(Scene(THINGS)), QUESTIONS[0])))
    assert f"Answers: {first} " in described(view)
    assert "Right is square." in described(view)
    assert "Each word looks most at" in described(view)


def test_every_position_of_every_control_is_drawn(view):
    texts = [alt_text(view.draw(**position)) for position in view.positions()]
    assert any("a scene needs at least one thing" in text for text in texts)
    assert any("“is red left of blue ?”" in text for text in texts)


def test_a_model_without_a_map_shows_what_mattered_alone(view):
    view.controls["model"].value = "one vector"
    assert "Each word" not in described(view)
    assert "Hiding row" in described(view)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("what shape is crimson ?", "the word 'crimson' is unknown to this language model"),
        ("", "the question is empty"),
        ("   ", "the question is empty"),
        ("is red left of blue red left of blue ?", "reads at most 6"),
        ("<b>$x$</b>", "is unknown"),
    ],
)
def test_what_cannot_be_asked_is_answered_with_a_sentence(view, typed, words):
    view.controls["question"].text.value = typed
    assert words in described(view)
    assert "Error" not in view.picture.value


def test_a_missing_question_mark_is_added(view):
    view.controls["question"].text.value = "what shape is red"
    assert "“what shape is red ?”" in described(view)


def test_a_question_without_an_answer_is_answered_all_the_same_and_nothing_is_called_right(view):
    view.controls["question"].text.value = "what shape is magenta ?"
    assert "Answers:" in described(view)
    assert "Right is" not in described(view)


def test_a_changed_shape_changes_the_right_answer(view):
    board = view.controls["scene"]
    board.colour.value, board.shape.value = "red", "triangle"
    board.buttons[2, 2].click()
    assert "Right is triangle." in view.picture.value


def test_draw_asked_refuses_what_cannot_be_read(models):
    with pytest.raises(ValueError, match="unknown"):
        draw_asked(models["asks"], Scene(THINGS), "what shape is crimson ?")

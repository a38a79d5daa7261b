"""The playground as a person uses it: shapes placed with the mouse, a question typed and one picked, in JupyterLab."""

import re

import nbformat
import pytest
from playwright.sync_api import expect
from support.lab import errors

pytestmark = pytest.mark.browser

MAKE = """
from vlmteach import course
from vlmteach.course.asking import playground
from vlmteach.experiments.matrix import build_vlm
from vlmteach.pictures import Thing

course.start(8)
models = {
    "asks": build_vlm("cnn-small", "cross-attention", positions=True, seed=0).eval(),
    "one vector": build_vlm("cnn-small", "vector", positions=False, seed=0).eval(),
}
things = [Thing("square", "red", 2, 2), Thing("circle", "blue", 5, 5)]
playground(models, things, ["what shape is red ?", "is red left of blue ?"])
"""
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.fixture(scope="module")
def page(lab):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(MAKE)], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / "play.ipynb")
    with lab.ran("play.ipynb") as page:
        yield page


def shows(page, words):
    picture = page.locator(".jupyter-widgets img")
    expect(picture).to_have_attribute("alt", re.compile(re.escape(words)), timeout=30_000)


def ask(page, question):
    line = page.locator(".jupyter-widgets input[type=text]")
    line.fill(question)
    line.press("Enter")


def test_a_typed_question_is_answered(page):
    shows(page, "Right is square.")
    ask(page, "is red above blue ?")
    shows(page, "“is red above blue ?” Answers:")
    shows(page, "Right is yes.")


def test_a_picked_question_is_answered_and_stands_in_the_line(page):
    page.locator(".jupyter-widgets select", has_text="pick one").select_option("what shape is red ?")
    shows(page, "“what shape is red ?” Answers:")
    expect(page.locator(".jupyter-widgets input[type=text]")).to_have_value("what shape is red ?")


def test_a_shape_is_changed_and_another_placed_with_the_mouse(page):
    ask(page, "what shape is red ?")
    page.locator(".jupyter-widgets select", has_text="triangle").select_option("▲ triangle")
    page.get_by_role("button", name="■", exact=True).click()
    shows(page, "Right is triangle.")
    page.locator(".jupyter-widgets select", has_text="magenta").select_option("magenta")
    page.locator("button[title='row 1, column 6: empty']").click()
    ask(page, "is magenta above red ?")
    shows(page, "Right is yes.")


def test_a_shape_pressed_again_is_taken_off_and_the_question_has_no_right_answer(page):
    ask(page, "is magenta above red ?")
    page.locator("button[title='row 1, column 6: magenta triangle']").click()
    page.wait_for_function("() => !/Right is/.test(document.querySelector('.jupyter-widgets img').alt)")


def test_an_unknown_word_is_answered_with_a_sentence_and_no_traceback(page):
    ask(page, "what shape is <b>crimson</b> ?")
    shows(page, "the word '<b>crimson</b>' is unknown to this language model")
    assert errors(page) == []


def test_another_model_answers_the_same_question(page):
    ask(page, "what shape is blue ?")
    shows(page, "Each word looks most at")
    page.get_by_role("button", name="one vector").click()
    page.wait_for_function("() => !/Each word/.test(document.querySelector('.jupyter-widgets img').alt)")
    shows(page, "Hiding any one cell costs it nothing.")

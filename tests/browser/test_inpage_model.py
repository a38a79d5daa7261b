"""The model that computes inside a page, against torch: every score, every attention weight, every module's output."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest
import torch
from support.in_page import (
    MODELS,
    ask_page,
    ask_torch,
    load_model,
    open_model,
    packed_models,
    page_models,
    questions,
    shipped,
)

from vlmteach.experiments.matrix import HELD_OUT
from vlmteach.nn.positions import sincos_positions
from vlmteach.pictures import SHAPES, Scene, Thing, answer_to, draw_scene, far_scenes, near_scenes
from vlmteach.pictures.look import CELL, COLOURS, GREY
from vlmteach.pictures.scenes.answering import EXAMPLES
from vlmteach.pictures.scenes.questions import COLOUR_OF, COUNT, LEFT, far_questions, near_questions
from vlmteach.pictures.scenes.sampling import SIZES

pytestmark = pytest.mark.browser

FEW = 32  # every 32nd question
CLOSE = 1e-4  # torch's own float32 differs from its float64 by 2.6e-5


@pytest.fixture(scope="module")
def page(chromium):
    page = open_model(chromium, packed_models())
    yield page
    page.close()


@pytest.fixture(scope="module")
def faulty_page(chromium):
    """A page for models with a fault: each test loads its own."""
    page = open_model(chromium, packed_models())
    yield page
    page.close()


@pytest.fixture(scope="module")
def expected():
    return {name: ask_torch(model, questions()) for name, model in page_models().items()}


@pytest.fixture(scope="module")
def few():
    """The scores of a few of the questions, by torch."""
    return {name: ask_torch(model, questions()[::FEW])["scores"] for name, model in page_models().items()}


def largest(said, wanted, kind):
    assert said[kind].shape == wanted[kind].shape
    return float(abs(said[kind] - wanted[kind]).max())


def test_all_scores_and_all_attention_of_512_questions_equal_torchs(page, expected):
    said = ask_page(page, questions())
    for name in MODELS:
        assert said[name]["names"]["attention"] == expected[name]["names"]["attention"]
        for kind in ("scores", "attention"):
            difference = largest(said[name], expected[name], kind)
            print(f"{name}: {kind} of {len(questions())} questions, largest difference {difference:.1e}")
            assert difference <= CLOSE


def test_every_module_returns_what_torchs_module_of_the_same_name_returns(page):
    asked = questions()[::64]
    said = ask_page(page, asked, whole=True)
    for name, model in page_models().items():
        wanted = ask_torch(model, asked, whole=True)
        assert said[name]["names"]["outputs"] == wanted["names"]["outputs"]
        assert largest(said[name], wanted, "outputs") <= CLOSE


@pytest.mark.parametrize("name", MODELS)
def test_rounding_the_weights_moves_an_answer_only_where_two_are_as_likely(name):
    rounded, exact = ask_torch(page_models((name,))[name], questions()), ask_torch(shipped(name), questions())
    lengths = np.cumsum([len(question.words) for question in questions()]) - 1
    likely, exactly = (
        torch.from_numpy(found["scores"].reshape(-1, len(rounded["scores"]) // (lengths[-1] + 1))[lengths]).softmax(-1)
        for found in (rounded, exact)
    )
    assert (likely - exactly).abs().max() < 0.02
    changed = likely.argmax(-1) != exactly.argmax(-1)
    two = exactly.topk(2).values
    assert ((two[:, 0] - two[:, 1])[changed] < 0.02).all()


# why: text of model.js, and the fault in its place
FAULTS = {
    "GELU by tanh": (
        "0.5 * value * (1 + erf(value / Math.SQRT2))",
        "0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)))",
    ),
    "an error function of three digits": ("t * 1.061405429", "t * 1.061"),
    "LayerNorm's eps ten times as large": ("Math.sqrt(variance + self.eps)", "Math.sqrt(variance + 10 * self.eps)"),
    "LayerNorm's eps a tenth": ("Math.sqrt(variance + self.eps)", "Math.sqrt(variance + 0.1 * self.eps)"),
    "BatchNorm's eps a hundred times as large": (
        "Math.sqrt(of(self.running_var, i) + self.eps)",
        "Math.sqrt(of(self.running_var, i) + 100 * self.eps)",
    ),
    "zeros beyond the border": ("(at + length) % length", "at"),
    "attention without its scale": ("score / Math.sqrt(slice)", "score"),
    "scale of the whole width": ("score / Math.sqrt(slice)", "score / Math.sqrt(width)"),
    "a word sees the next one": ("at <= looks", "at <= looks + 1"),
    "a word sees all words": ("looks >= inFront && at <= looks", "looks >= inFront"),
    "places from the corner of a cell": ("Math.floor(cell / width) + 0.5", "Math.floor(cell / width)"),
    "rows and columns of places swapped": ("part % 2 === 0 ? y : x", "part % 2 === 0 ? x : y"),
    "words without their place": (
        "rows(languageModel.positions, 0, words.length)",
        "tensor([1, 1], new Float32Array(400))",
    ),
    "heads share one slice": ("columns(x, head * slice, (head + 1) * slice)", "columns(x, 0, slice)"),
    "a mean without the first cell": ("new Float32Array(cells).fill(1)", "new Float32Array(cells).fill(1, 1)"),
    "a kernel turned round": ("padding + x * dilation", "padding + (kernel - 1 - x) * dilation"),
    "grey taken off twice": ("Math.fround(value - mean) / std", "Math.fround(value - 2 * mean) / std"),
}


@pytest.mark.parametrize("why", FAULTS)
def test_a_small_fault_in_the_model_is_found(faulty_page, few, why):
    old, new = FAULTS[why]
    load_model(faulty_page, {old: new})
    said = ask_page(faulty_page, questions()[::FEW])
    differences = [abs(said[name]["scores"] - few[name]).max() for name in MODELS]
    print(f"{why}: {max(differences):.1e}")
    assert not max(differences) <= CLOSE  # NaN is a difference too


def test_the_error_function_is_torchs_to_six_digits(page):
    x = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    found = torch.tensor(page.evaluate("(x) => x.map(window.alone.erf)", x.tolist()), dtype=torch.float64)
    assert (found - torch.erf(x)).abs().max() <= 1.5e-7  # the source's own bound


def test_places_equal_those_of_pythons_waves(page):
    wave = page.evaluate("() => Array.from(window.alone.boxPositions([16, 16], 64).values)")
    assert torch.allclose(torch.tensor(wave).view(256, 64), sincos_positions(16, 16, 64), atol=1e-5)


# scenes: byte for byte


@cache
def scenes() -> list[Scene]:
    """200 random scenes, then every shape in every size at every place of its cell."""
    near, _ = near_scenes(100, 3_000_000)
    random = [Scene.from_batch(many, i) for many in (near, far_scenes(100, 3_000_000)) for i in range(100)]
    every = [
        Scene((Thing(shape, COLOURS[(size + down) % 6], 6, 1, size, down, right),))
        for shape in SHAPES
        for size in SIZES
        for down in range(CELL - size + 1)
        for right in range(CELL - size + 1)
    ]
    return [*random, *every]


def otherwise_drawn(page) -> list[str]:
    """The scenes that the page draws with other bytes than Python."""
    drawn = page.evaluate(
        """(scenes) => scenes.map((things) =>
          btoa(String.fromCharCode(...window.alone.drawScene(window.alone.course, things))))""",
        [[asdict(thing) for thing in scene.things] for scene in scenes()],
    )
    wanted = [(draw_scene(scene) * 255).round().byte().numpy().tobytes() for scene in scenes()]
    return [str(scene) for scene, one, other in zip(scenes(), drawn, wanted, strict=True) if b64decode(one) != other]


def test_every_scene_is_drawn_byte_for_byte_as_python_draws_it(page):
    assert len(scenes()) > 200
    assert otherwise_drawn(page) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v ** 2 <= 1", "v ** 2 < 0.97"),
        ("Math.abs(v)) <= 0.9", "Math.abs(v)) <= 1"),
        ("(v + 1) / 2", "(1 - v) / 2"),
        ("Math.abs(v)) <= 0.35", "Math.abs(v)) <= 0.3"),
        ("covered + 8) >> 4", "covered) >> 4"),
        ("course.cell + down", "course.cell + right"),
    ],
)
def test_a_small_fault_in_the_drawing_is_found(faulty_page, old, new):
    load_model(faulty_page, {old: new})
    assert otherwise_drawn(faulty_page) != []


def test_a_byte_is_the_same_number_and_a_hidden_cell_the_same_grey(page):
    scene = scenes()[0]
    hidden = page.evaluate(
        """([things, row, column]) => {
          const { course, drawScene, hideCell, asImage } = window.alone;
          return Array.from(asImage(course, hideCell(course, drawScene(course, things), row, column)).values);
        }""",
        [[asdict(thing) for thing in scene.things], 2, 5],
    )
    image = draw_scene(scene)
    image[:, CELL : 2 * CELL, 4 * CELL : 5 * CELL] = GREY / 255
    assert torch.equal(torch.tensor(hidden), image.flatten())


def test_the_right_answer_is_pythons_or_none_where_python_has_a_sentence(page):
    asked = [
        *EXAMPLES,
        "  IS red LEFT of blue",
        "is red left of red ?",
        "what colour is ball ?",
        "how many dogs ?",
        "what shape is pink ?",
        "",
        "what",
        "is {b} above {a} ?",
        *(f"is {a} {how} {b} ?" for a in COLOURS for b in COLOURS for how in ("left of", "above", "shaped like")),
        *(
            f"{start} {colour} ?"
            for colour in COLOURS
            for start in ("what shape is", "which row is", "which column is")
        ),
        *(f"{start} {shape} ?" for shape in SHAPES for start in ("what colour is", "how many")),
    ]
    full = Scene(tuple(Thing("cross", "red", row, column) for row in range(1, 4) for column in range(1, 4)))
    some = [*scenes()[:40:4], full]
    twice = replace(some[0], things=(*some[0].things[:2], replace(some[0].things[2], colour=some[0].things[0].colour)))
    for scene in [*some, twice]:
        found = page.evaluate(
            "([things, asked]) => asked.map((one) => window.alone.answerTo(window.alone.course, things, one))",
            [[asdict(thing) for thing in scene.things], asked],
        )
        assert found == [answer_or_none(scene, question) for question in asked], json.dumps(asked)


def answer_or_none(scene, question):
    try:
        return answer_to(scene, question)
    except ValueError:
        return None


# what was never asked in training

# (template, the cell of the thing asked about, the second's or the rest's, the rest's) as one number
ALLOWED = ("green circle", "red square", "blue cross")
NOTHING_NEW = """(things) => {
  const { course, newInQuestion } = window.alone;
  const place = (cell) => ({ row: Math.floor(cell / 6) + 1, column: (cell % 6) + 1 });
  const found = [];
  course.templates.forEach((text, template) => {
    const question = text.replace("{a}", "green").replace("{b}", "red").replace("{shape}", "circle");
    for (let a = 0; a < 36; a += 11) for (let b = 0; b < 36; b++) for (let c = 0; c < 36; c++) {
      const cells = [a, b, c];
      const alike = template === 2 ? a < b && b < c : template > 4 || b < c;
      if (a === b || b === c || a === c || !alike) continue;
      const scene = things.map((thing, i) => ({ ...thing, ...place(cells[i]) }));
      if (!newInQuestion(course, scene, question).length) found.push(((template * 36 + a) * 36 + b) * 36 + c);
    }
  });
  return found;
}"""


def asked_in_training(count):
    """Every question to every arrangement of three things in `count` near and `count` far scenes, the first thing in
    one of four cells."""
    found = set()
    near, counted = near_scenes(count, 0, pairs=~HELD_OUT)
    far = far_scenes(count, 0, pairs=~HELD_OUT)
    for drawn, asked in ((near, near_questions(near, counted, 0)), (far, far_questions(far, 0))):
        for each in (drawn, drawn.swapped()):
            cells = 6 * each.row + each.column
            for template, first, second in zip(*(part.T for part in asked), strict=True):
                relates, counts = template >= LEFT, template == COUNT
                first = np.where(counts, 0, first)
                second = np.where(relates, second, (first + 1) % 3)
                order = np.stack([first, second, 3 - first - second], axis=1)
                places = np.take_along_axis(cells, order, axis=1)
                places[~relates, 1:] = np.sort(places[~relates, 1:], axis=1)
                places[counts] = np.sort(places[counts], axis=1)
                codes = ((template * 36 + places[:, 0]) * 36 + places[:, 1]) * 36 + places[:, 2]
                found.update(np.unique(codes[places[:, 0] % 11 == 0]).tolist())
    return found


def test_a_question_is_new_exactly_where_training_never_asks_it_of_things_in_these_cells(page):
    things = [dict(zip(("colour", "shape"), words.split(), strict=True)) for words in ALLOWED]
    nothing_new, asked = set(page.evaluate(NOTHING_NEW, things)), asked_in_training(200_000)
    assert asked <= nothing_new
    seldom = {code for code in nothing_new - asked if code // 36**3 == COLOUR_OF}  # whose shape must be its own
    assert nothing_new - seldom <= asked
    assert len(seldom) < 10


BOARD = "red square at row 2, column 2; blue circle at row 5, column 5; yellow triangle at row 5, column 2"
NEW = {
    "is red left of blue ?": (BOARD, []),
    "IS RED LEFT OF YELLOW": (BOARD, ["“left of” was asked only of things in different columns"]),
    "is blue above yellow ?": (BOARD, ["“above” was asked only of things in different rows"]),
    "how many square ?": (BOARD, ["“how many” was asked only where two things are neighbours, at most 2 cells apart"]),
    "what shape is green ?": (BOARD, ["every question had one right answer"]),
    "what shape is yellow ?": (
        BOARD.replace("triangle", "cross"),
        ["there was no yellow cross"],
    ),
    "which row is blue ?": (
        "red square at row 2, column 2; blue circle at row 5, column 5",
        ["every board had 3 things"],
    ),
    "what shape is blue ?": (
        BOARD.replace("yellow", "red"),
        ["no two things had one colour"],
    ),
}


@pytest.mark.parametrize("question", NEW)
def test_what_was_never_so_in_training_is_named(page, question):
    scene, expected = NEW[question]
    things = [asdict(thing) for thing in Scene.parse(scene).things]
    say = "([things, question]) => window.alone.newInQuestion(window.alone.course, things, question)"
    assert page.evaluate(say, [things, question]) == expected

"""The page on which a tiny VLM answers, as a person meets it: opened from disk in Chromium, the network off."""

import html
import itertools
import re
from contextlib import contextmanager

import numpy as np
import pytest
from support.in_page import MODELS, page_models
from support.readable import contrast

from vlmteach.inpage.page import FAMILIES, PARTS, AskPage, read_tour
from vlmteach.language import use_language
from vlmteach.nn import VisionLanguageModel
from vlmteach.pictures import GREY, QUESTION_FAMILIES, Scene, draw_scene
from vlmteach.probes import probe_answer

pytestmark = pytest.mark.browser

THINGS = "red square at row 2, column 2; blue circle at row 5, column 5; yellow triangle at row 5, column 2"
SCENE = "scene=red-square-2-2,blue-circle-5-5,yellow-triangle-5-2"
SETTLED = "window.explorer?.result && (window.explorer.result.drop || window.explorer.result.asked.problem)"
ANSWER = "() => document.querySelector('.answer').textContent"
NUMBER = itertools.count()
COUNTS = "() => [...document.querySelectorAll('.strip figcaption')].map((part) => part.lastChild.textContent)"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "ask.html"
    path.write_text(AskPage().to_html(), encoding="utf-8")
    return path


@pytest.fixture
def open_ask(new_page, file):
    """A function that opens the page at a hash; afterwards: no error on the console, no request to the outside."""

    def open_page(hash_="", path=file, **options):
        page = new_page(**options)
        page.goto(f"{path.as_uri()}?{next(NUMBER)}{hash_}")  # where only the hash is new, no browser loads again
        page.wait_for_function(SETTLED)
        return page

    return open_page


def answer(page):
    page.wait_for_function(SETTLED)
    return page.evaluate(ANSWER)


def at(page, row, column, part="board"):
    """Where the middle of a cell lies in the window."""
    grid = page.locator(f"[data-part={part}] .cells")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    return box["x"] + (column - 0.5) * box["width"] / 6, box["y"] + (row - 0.5) * box["height"] / 6


def holds(page, row, column):
    return page.get_by_role("gridcell", name=f"row {row}, column {column}:").first.get_attribute("aria-label")


def scene_of(page):
    return {
        f"{t['colour']} {t['shape']} {t['row']}-{t['column']}" for t in page.evaluate("window.explorer.state.scene")
    }


def torch_says(name, things, question):
    model: VisionLanguageModel = page_models()[name]
    return probe_answer(model, draw_scene(Scene.parse(things)), question, (6, 6), GREY / 255)


# what it shows


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("question", ["what shape is red ?", "is blue left of red ?", "which row is blue ?"])
def test_the_page_shows_what_torch_answers_and_what_hiding_each_cell_costs(open_ask, name, question):
    page = open_ask(f"#eye={name}&{SCENE}&ask={question[:-2].replace(' ', '-')}")
    wanted = torch_says(name, THINGS, question)
    shown = dict(page.evaluate("window.explorer.result.probabilities"))
    assert answer(page) == wanted.answer
    for word, share in wanted.probabilities.items():
        assert abs(shown[word] - share) < 1e-4
    drop = np.array(page.evaluate("Array.from(window.explorer.result.drop)")).reshape(6, 6)
    assert abs(drop - wanted.drop.numpy()).max() < 1e-4
    first = page.locator("[data-part=answer] .bars li").first
    assert first.locator(".value").text_content() == f"{wanted.probabilities[wanted.answer]:.2f}"


@pytest.mark.parametrize(
    ("eye", "reached"),
    [
        ("cnn-large/cross-attention", ["1 of 36", "9 of 36", "25 of 36", "36 of 36"]),
        ("vit/cross-attention", ["1 of 36", "36 of 36", "36 of 36"]),
        ("cnn-small/vector", ["1 of 36", "9 of 36", "1 of 1"]),
    ],
)
def test_a_hidden_cell_reaches_as_many_cells_as_the_network_lets_it(open_ask, eye, reached):
    page = open_ask(f"#eye={eye}&{SCENE}&hide=2-2")
    assert [text.rsplit(" ", 1)[0] for text in page.evaluate(COUNTS)][: len(reached)] == reached


def test_without_a_hidden_cell_the_board_is_compared_with_an_empty_one(open_ask):
    page = open_ask(f"#{SCENE}")
    assert page.evaluate(COUNTS)[0] == "3 of 36 cells"


def test_every_module_and_every_attention_layer_can_be_looked_at_by_its_name(open_ask):
    page = open_ask()
    for name in MODELS:
        page.evaluate("(eye) => window.explorer.set({ eye })", name)
        page.wait_for_function(SETTLED)
        model = page_models()[name]
        called = {one for one, module in model.named_modules() if type(module).__name__ != "ModuleList"}
        shown = page.locator("#tensor-name option").evaluate_all("options => options.map((option) => option.value)")
        assert set(shown) == called
        for layer in page.evaluate("(eye) => window.explorer.data.models[eye].attention.map((one) => one.name)", name):
            page.locator("#attention-layer").select_option(layer)
            assert page.locator(".maps .map").count() >= 5
        page.locator("#tensor-name").select_option("language_model.words")
        assert "5 × 64 numbers" in page.locator("[data-part=numbers] .hint").first.text_content()


def test_the_maps_of_all_heads_and_layers_that_look_at_cells_share_one_scale(open_ask):
    page = open_ask(f"#eye=vit&{SCENE}&ask=what-shape-is-red")
    told = set()
    for layer in ("encoder.1.blocks.0.attn", "encoder.1.blocks.1.attn", "connector.meeting.attend"):
        page.locator("#attention-layer").select_option(layer)
        told.add(page.locator(".scale").text_content())
    assert len(told) == 1
    bright = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll(".maps canvas")].map((canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return Math.max(...data.filter((_, i) => i % 4 === 0));
        }))"""
    )
    assert bright >= 250  # the red at the end of the scale, 254: this layer has the largest weight of all


# what a person does


def test_a_press_places_a_thing_and_a_second_takes_it_off(open_ask):
    page = open_ask(f"#{SCENE}&ask=what-shape-is-green")
    page.get_by_label("✚ cross").check()
    page.get_by_label("green", exact=True).check()
    page.mouse.click(*at(page, 1, 6))
    assert holds(page, 1, 6) == "row 1, column 6: green cross"
    assert answer(page) == "cross"
    assert "That is right" in page.locator(".verdict").text_content()
    page.mouse.click(*at(page, 1, 6))
    assert holds(page, 1, 6) == "row 1, column 6: empty"
    assert "no one right answer" in page.locator(".verdict").text_content()


def test_a_dragged_thing_moves_the_answer_moves_with_it_and_off_the_board_it_goes(open_ask):
    page = open_ask(f"#{SCENE}&ask=which-column-is-red")
    said = []
    page.mouse.move(*at(page, 2, 2))
    page.mouse.down()
    for column in (3, 4, 5, 6):
        page.mouse.move(*at(page, 2, column))
        said.append(page.evaluate(ANSWER))
    page.mouse.up()
    assert said == ["3", "4", "5", "6"]
    assert holds(page, 2, 6) == "row 2, column 6: red square"
    assert holds(page, 2, 2) == "row 2, column 2: empty"
    page.mouse.move(*at(page, 2, 6))
    page.mouse.down()
    x, y = at(page, 2, 6)
    page.mouse.move(x + 200, y)
    page.mouse.up()
    assert scene_of(page) == {"blue circle 5-5", "yellow triangle 5-2"}


def test_a_dragged_thing_stops_before_a_taken_cell(open_ask):
    page = open_ask(f"#{SCENE}")
    page.mouse.move(*at(page, 5, 2))
    page.mouse.down()
    page.mouse.move(*at(page, 5, 5))
    page.mouse.up()
    assert scene_of(page) == {"red square 2-2", "blue circle 5-5", "yellow triangle 5-2"}


def test_a_finger_drags_a_thing_scrolls_from_an_empty_cell_places_and_hides(open_ask):
    page = open_ask(f"#{SCENE}", width=400, has_touch=True)
    finger = page.context.new_cdp_session(page)

    def drag(*cells):
        kinds = ["touchStart", *["touchMove"] * (len(cells) - 1)]
        places = [at(page, *cell) for cell in cells]
        for kind, (x, y) in zip(kinds, places, strict=True):
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    drag((2, 2), (2, 3), (3, 4))
    assert holds(page, 3, 4) == "row 3, column 4: red square"
    assert page.evaluate("window.scrollY") == 0
    drag((3, 4), (2, 3), (2, 2))
    kept = scene_of(page)
    drag((6, 1), (4, 1), (2, 1), (1, 1))
    page.wait_for_function("window.scrollY > 0")
    assert scene_of(page) == kept
    page.touchscreen.tap(*at(page, 3, 3))
    assert holds(page, 3, 3) == "row 3, column 3: red circle"
    page.get_by_label("hides a cell").tap()
    page.touchscreen.tap(*at(page, 2, 2))
    assert holds(page, 2, 2) == "row 2, column 2: red square, hidden"


def focus_board(page):
    """Reach the board with the Tab key alone."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.board') !== null"):
            return
    raise AssertionError("the Tab key never reached the board")


def test_the_keyboard_alone_is_enough(open_ask):
    page = open_ask(f"#{SCENE}&ask=what-shape-is-red")
    focus_board(page)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.ariaLabel") == "row 2, column 2: red square"
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("document.activeElement.ariaLabel") == "row 2, column 3: red square"
    page.keyboard.press("h")
    assert page.evaluate("document.activeElement.ariaLabel") == "row 2, column 3: red square, hidden"
    assert "hidden it says" in page.locator(".said").text_content()
    page.keyboard.press("h")
    page.keyboard.press("Delete")
    assert scene_of(page) == {"blue circle 5-5", "yellow triangle 5-2"}
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert scene_of(page) == {"blue circle 5-5", "yellow triangle 5-2", "red circle 2-6"}
    assert answer(page) == "circle"
    seen = set()
    for _ in range(60):  # every control can be reached, and shows that it has the focus
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.closest('[data-part]')?.dataset.part")
        seen.add(name)
        assert page.evaluate(
            """() => {
              const one = document.activeElement;
              const shown = one.matches(".chip input") ? one.nextElementSibling : one;
              return one === document.body || getComputedStyle(shown).outlineStyle === "solid";
            }"""
        )
    assert seen >= {"question", "models", "answer", "attention", "hiding", "numbers"}


def test_a_typed_question_is_answered_while_it_is_typed_and_an_unknown_word_gets_a_sentence(open_ask):
    page = open_ask(f"#{SCENE}")
    line = page.locator("#question-line")
    line.fill("is red left of blue")
    assert answer(page) == "yes"
    line.fill("is red left of bleu ?")
    assert "The word “bleu” is unknown" in page.locator(".problem").text_content()
    assert "blue" in page.locator(".problem").text_content()
    assert page.evaluate(ANSWER) == "…"
    line.fill("<img src=x onerror='window.hacked=1'>")
    assert "unknown" in page.locator(".problem").text_content()
    assert page.evaluate("window.hacked") is None
    line.fill("is red left of blue red left ?")
    assert "reads at most 6" in page.locator(".problem").text_content()
    line.fill("   ")
    assert "Type a question" in page.locator(".problem").text_content()
    line.fill("WHAT shape IS   blue?")
    assert answer(page) == "circle"


def test_every_suggested_question_has_an_answer(open_ask):
    page = open_ask(f"#{SCENE}")
    picks = page.locator(".pick")
    assert picks.count() == 8
    for number in range(8):
        picks.nth(number).click()
        assert answer(page) != "…"
        assert "right" in page.locator(".verdict").get_attribute("class")


def test_an_encoder_is_chosen_with_its_connector_and_its_exam_is_explained(open_ask):
    page = open_ask(f"#{SCENE}&ask=which-row-is-blue")
    for name, pair in zip(MODELS, ["CNN, field 7 cells → cross-attention", "ViT → cross-attention", None], strict=True):
        page.get_by_label(pair or "CNN, field 3 cells → mean vector").check()
        page.wait_for_function(f"window.explorer.result.state.eye === '{name}'")
        assert answer(page) == "5" or pair is None
        asked = page.locator(".exam-bars .asks").all_text_contents()
        assert len(asked) == len(QUESTION_FAMILIES)
        for family, text in zip(QUESTION_FAMILIES, asked, strict=True):
            assert text.startswith(FAMILIES[family][0])
            assert FAMILIES[family][1].replace(" ?", "?") in text


def test_the_test_on_random_boards_tells_a_model_that_knows_left_from_one_that_guesses(open_ask):
    page = open_ask(f"#{SCENE}&ask=is-red-left-of-blue")
    right = {}
    for name in MODELS:
        page.evaluate("(eye) => window.explorer.set({ eye })", name)
        page.wait_for_function(SETTLED)
        page.get_by_role("button", name="Ask this on 50 random boards").click()
        text = page.locator(".grade").text_content()
        right[name] = int(text.split()[0])
        assert "of 50 right. “is red left of blue?” was asked of " in text
        assert "→" in text
        assert "not on your board" in text
        page.evaluate("(eye) => window.explorer.set({ scene: [], ask: 'how many circle ?' })", name)
        assert page.locator(".grade").text_content() == ""
        page.evaluate("(hash) => window.explorer.open(hash)", f"#eye={name}&{SCENE}&ask=is-red-left-of-blue")
    assert right["cnn-large/cross-attention"] >= 47
    assert right["vit/cross-attention"] >= 47
    assert right["cnn-small/vector"] <= 36  # of 25 yes and 25 no


JUDGED = """() => [...document.querySelectorAll("[data-part=answer] .bars li")].map((line) => [
  line.className,
  line.querySelector(".name").textContent,
  getComputedStyle(line.querySelector(".fill")).backgroundColor,
])"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_right_a_wrong_and_an_unjudged_answer_differ_in_colour_and_in_sign(open_ask, scheme):
    page = open_ask(f"#{SCENE}&ask=what-shape-is-red", color_scheme=scheme)
    right, *rest = page.evaluate(JUDGED)
    assert right[:2] == ["right", "square ✓"]
    assert page.locator(".new").text_content() == ""
    page.evaluate(
        "(hash) => window.explorer.open(hash)", "#scene=yellow-cross-2-2,blue-circle-5-5&ask=what-shape-is-yellow"
    )
    page.wait_for_function(SETTLED)
    wrong, hoped = page.evaluate(JUDGED)[:2]
    assert wrong[:2] == ["wrong", "circle ✗"]
    assert hoped == ["right", "cross ✓", right[2]]
    page.evaluate("window.explorer.set({ ask: 'what shape is green ?' })")
    page.wait_for_function(SETTLED)
    unjudged = page.evaluate(JUDGED)
    assert {line[0] for line in unjudged} == {""}
    assert len({right[2], wrong[2], unjudged[0][2]}) == 3
    assert {line[2] for line in unjudged} == {line[2] for line in rest}


def test_a_question_such_as_training_never_held_says_so_also_to_a_screen_reader(open_ask):
    page = open_ask(f"#{SCENE}&ask=is-red-left-of-yellow")
    news = "New to this model: in its training, “left of” was asked only of things in different columns."
    assert page.locator(".new").text_content() == news
    assert news in page.locator(".said").text_content()
    page.evaluate("window.explorer.set({ ask: 'is red above yellow ?' })")
    assert page.locator(".new").text_content() == ""


def test_in_japanese_the_page_is_japanese_and_its_questions_stay_as_the_model_reads_them(open_ask, tmp_path):
    use_language("ja")
    try:
        (tmp_path / "ask.html").write_text(AskPage(["cnn-large/cross-attention"]).to_html(), encoding="utf-8")
    finally:
        use_language("en")
    page = open_ask(f"#{SCENE}&ask=is-red-left-of-yellow&hide=2-2", path=tmp_path / "ask.html")
    assert page.evaluate("document.documentElement.lang") == "ja"
    pick = page.locator(".pick").first
    assert pick.text_content() == "what shape is red?赤はどんな形？"
    assert page.locator(".new").text_content().startswith("このモデルには初めてのことです。")
    shown = page.locator(
        "h1, h2, label:not(.chip), legend, button:not(.pick, [role=gridcell]), .hint:not(:empty), .lead"
    )
    assert [text for text in shown.all_text_contents() if text and not re.search("[ぁ-んァ-ヶ一-龠]", text)] == []
    pick.click()
    assert answer(page) == page.evaluate("window.explorer.result.answer")
    assert page.locator("#question-line").input_value() == "what shape is red ?"


# the state in the link


def test_a_link_that_a_teacher_writes_opens_that_state_and_what_is_done_is_in_the_link(open_ask):
    page = open_ask("#eye=vit&scene=green-cross-1-6,cyan-circle-6-1-7-0-1&ask=is-green-above-cyan&hide=6-1&cell=3-4")
    assert scene_of(page) == {"green cross 1-6", "cyan circle 6-1"}
    assert page.evaluate("window.explorer.state.scene[1].size") == 7
    assert page.evaluate(ANSWER) == "yes"
    page.mouse.click(*at(page, 3, 3))
    page.wait_for_function("window.location.hash.includes('red-circle-3-3')")
    link = page.url
    assert link.endswith(
        "#eye=vit/cross-attention&scene=green-cross-1-6,cyan-circle-6-1-7-0-1,red-circle-3-3&ask=is-green-above-cyan"
        "&hide=6-1&cell=3-4"
    )
    other = open_ask("#" + link.partition("#")[2])
    assert other.evaluate("window.explorer.state") == page.evaluate("window.explorer.state")


DAMAGED = [
    "#",
    "#=&&=&%",
    "#eye=gpt-4&scene=red-dog-9-9&ask=&hide=0-7&cell=x&step=99&only=everything&layer=no&tensor=no",
    "#scene=red-square-2-2,blue-circle-2-2&eye=%E0%A4%A",
    "#eye=__proto__&scene=__proto__&only=constructor&constructor=1&toString=2",
    "#scene=" + "red-square-2-2," * 2000,
    "#ask=" + "a" * 5000,
    "#scene=red-square-2-2-9-9-9,blue-circle-5-5-6-NaN-Infinity",
    "#step=1.5&hide=2-2-2&cell=-1--1",
    "#scene=<script>&ask=<b>",
    "#eye=vit/cross-attention/&eye=",
]


@pytest.mark.parametrize("hash_", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_link_opens_the_page_all_the_same(open_ask, hash_):
    page = open_ask(hash_)
    assert page.evaluate("window.explorer.state.eye") in MODELS
    cells = page.evaluate("window.explorer.state.scene.map(({ row, column }) => `${row}-${column}`)")
    assert len(set(cells)) == len(cells)
    assert page.locator("[data-part=board]").is_visible()
    page.evaluate("window.explorer.set({ ask: 'how many square ?' })")
    page.wait_for_function(SETTLED)
    assert page.evaluate("window.explorer.result.answer") in "0 1 2 3"


def test_a_new_hash_moves_the_page_without_loading_it_again(open_ask):
    page = open_ask(f"#{SCENE}")
    page.evaluate("window.same = true")
    page.evaluate("window.location.hash = '#scene=blue-cross-1-1&ask=what-shape-is-blue'")
    page.wait_for_function("window.explorer.result.answer === 'cross'")
    assert page.evaluate("window.same")


def test_only_some_parts_are_shown_where_the_link_says_so(open_ask):
    page = open_ask("#only=ask")
    shown = [part for part in PARTS if page.locator(f"[data-part={part}]").is_visible()]
    assert shown == ["board", "question", "answer"]
    page.evaluate("window.location.hash = '#only=layers,hiding'")
    page.wait_for_function("window.explorer.state.only.length === 2")
    assert [part for part in PARTS if page.locator(f"[data-part={part}]").is_visible()] == ["layers", "hiding"]


@contextmanager
def framed(chromium, tmp_path, page, attributes=""):
    """A page inside a frame of another page."""
    path = tmp_path / "around.html"
    frame = (
        f'<iframe {attributes} style="width: 100%; height: 900px" srcdoc="{html.escape(page, quote=True)}"></iframe>'
    )
    path.write_text(f"<!doctype html><body>{frame}</body>", encoding="utf-8")
    context = chromium.new_context(viewport={"width": 1000, "height": 900})
    context.set_offline(True)
    outer = context.new_page()
    outer.goto(path.as_uri())
    outer.frames[1].wait_for_function(SETTLED)
    yield outer
    context.close()


@pytest.mark.parametrize("attributes", ["", 'sandbox="allow-scripts"'])
def test_in_a_frame_it_answers_and_the_page_around_drives_it(chromium, tmp_path, attributes):
    page = AskPage(["cnn-small/vector"], Scene.parse("red square at row 1, column 1"), "what shape is red ?").to_html()
    with framed(chromium, tmp_path, page, attributes) as outer:
        inner = outer.frames[1]
        assert inner.evaluate(ANSWER) == "square"
        outer.evaluate(
            "document.querySelector('iframe').contentWindow.postMessage("
            "{ vlmteach: '#scene=blue-circle-3-3&ask=what-shape-is-blue' }, '*')"
        )
        inner.wait_for_function("window.explorer.result.answer === 'circle'")
        outer.evaluate("document.querySelector('iframe').contentWindow.postMessage({ vlmteach: 5 }, '*')")
        outer.evaluate("document.querySelector('iframe').contentWindow.postMessage('hello', '*')")
        assert inner.evaluate("window.explorer.result.answer") == "circle"


# how it looks, and what it weighs


def test_the_page_of_all_models_and_the_frame_of_one_are_small(file):
    assert file.stat().st_size <= 2_000_000
    for name in MODELS:
        frame = AskPage([name])._repr_mimebundle_()["text/html"]
        print(name, len(frame.encode()))
        assert len(frame.encode()) <= 700_000


@pytest.mark.parametrize("width", [360, 400, 700, 1000, 1400, 2560])
@pytest.mark.parametrize("hash_", ["#step=5", "#eye=vit&layer=encoder.1.blocks.0.attn&hide=2-2", "#only=ask"])
def test_no_width_makes_the_page_scroll_sideways(open_ask, width, hash_):
    page = open_ask(hash_, width=width)
    whole, seen = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert whole <= seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_colour_schemes(open_ask, scheme):
    page = open_ask(f"#{SCENE}&ask=how-many-square&hide=2-2&step=1", color_scheme=scheme)
    for selector in (
        "h1",
        ".lead",
        ".hint",
        "legend",
        ".answer",
        ".verdict",
        ".new",
        ".asks",
        ".chip span",
        ".pick",
        "select",
        ".tour p",
    ):
        assert contrast(page, selector) >= 4.5, selector
    page.locator("#question-line").fill("is red bleu ?")
    assert contrast(page, ".problem") >= 4.5


def test_a_screen_reader_is_told_the_answer_and_every_control_has_a_name(open_ask):
    page = open_ask(f"#{SCENE}&ask=what-shape-is-red&hide=2-2")
    said = page.locator(".said").text_content()
    assert said.startswith("what shape is red ? It answers square, 1.00. Right is square. With row 2, column 2 hidden")
    named = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, a, [role=img], [role=grid]")].filter((one) => {
          const label = one.ariaLabel || one.textContent.trim() || one.labels?.[0]?.textContent.trim();
          return !label;
        }).map((one) => one.outerHTML)"""
    )
    assert named == []


# the tour


def test_the_tour_asks_first_then_drives_the_page_to_each_steps_state(open_ask):
    page = open_ask()
    page.get_by_role("button", name="Guided tour").click()
    for number, step in enumerate(read_tour(), start=1):
        page.wait_for_function(f"window.explorer.result.state.step === {number}")
        assert page.locator(".tour h2").text_content() == step["title"]
        assert f"{number} of 12" in page.locator(".tour").text_content()
        if "predict" in step:
            assert page.locator(".say").text_content() == ""
            assert page.locator(".steps button").nth(1).is_disabled()
            page.wait_for_function(SETTLED)
            shown = [part for part in PARTS if page.locator(f"[data-part={part}] > :not(h2)").first.is_visible()]
            assert shown == ["board", "question", "models"]  # what is asked, and nothing that came out
            assert page.locator(".said").text_content() == ""
            wrong = next(choice for choice in step["predict"]["choices"] if choice != step["predict"]["right"])
            choice = wrong if number % 2 else step["predict"]["right"]
            page.locator(".tour").get_by_role("button", name=choice, exact=True).click()
            page.wait_for_function("document.querySelector('.say').textContent !== ''")
            opening = f"You said “{wrong}”. " if number % 2 else "You saw that coming. "
            assert page.locator(".say").text_content() == opening + step["say"]
        page.wait_for_function(SETTLED)
        assert page.locator(".looked").get_attribute("data-part") == step["look"]
        for claim in step["claims"]:
            if claim["kind"] in ("answer", "right"):
                assert page.evaluate(f"window.explorer.result.{claim['kind']}") == claim["text"]
            if claim["kind"] == "changed":
                index = page.evaluate(
                    "(layer) => window.explorer.data.models[window.explorer.state.eye].stages"
                    ".findIndex(({ name }) => name === layer)",
                    claim["layer"],
                )
                assert page.evaluate(COUNTS)[index] == f"{claim['text']} of 36 cells"
        page.get_by_role("button", name="Next" if number < 12 else "Finish").click()
    page.wait_for_function("window.explorer.state.step === null")
    assert not page.locator(".tour").is_visible()


@pytest.mark.parametrize("width", [400, 1400])
def test_a_step_shows_the_board_while_it_waits_and_then_the_part_it_speaks_of_above_the_tour(open_ask, width):
    page = open_ask(width=width)
    page.get_by_role("button", name="Guided tour").click()
    for number, step in enumerate(read_tour(), start=1):
        page.wait_for_function(f"window.explorer.result.state.step === {number}")
        page.wait_for_function(SETTLED)
        if "predict" in step:
            assert -1 <= page.locator(".board").bounding_box()["y"] <= 300
            page.locator(".tour").get_by_role("button", name=step["predict"]["right"], exact=True).click()
            page.wait_for_function("document.querySelector('.say').textContent !== ''")
        top = page.locator(".tour").bounding_box()["y"]
        looked = page.locator(".looked").bounding_box()
        assert looked["y"] >= -1
        assert looked["y"] + min(looked["height"], top - 40) <= top
        page.locator(".steps button").nth(1).click()


def test_a_step_can_be_linked_to_and_left_with_escape(open_ask):
    page = open_ask("#step=4")
    assert page.locator(".tour").is_visible()
    page.locator(".tour").get_by_role("button", name="square", exact=True).focus()
    page.keyboard.press("Escape")
    page.wait_for_function("window.explorer.state.step === null")


def test_a_page_of_one_model_has_no_choice_of_models_and_no_tour(open_ask, tmp_path):
    path = tmp_path / "one.html"
    path.write_text(AskPage(["vit/cross-attention"]).to_html(), encoding="utf-8")
    page = open_ask(path=path)
    assert page.locator("[data-part=models] input").count() == 0
    assert "ViT → cross-attention" in page.locator("[data-part=models]").text_content()
    assert not page.get_by_role("button", name="Guided tour").is_visible()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"models": ["gpt-4"]}, "there is no model"),
        ({"models": []}, "the page has no model"),
        ({"models": "vit/cross-attention"}, "expected a list of"),
        ({"only": ["everything"]}, "there is no part"),
    ],
)
def test_a_page_that_cannot_be_made_is_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        AskPage(**arguments)


def test_every_position_of_a_thing_survives_the_link(open_ask):
    page = open_ask()
    texts = [
        f"red-square-1-1-{size}-{down}-{right}" for size, down, right in itertools.product((5, 6, 7), (0, 1), (0, 1))
    ]
    for text in texts:
        page.evaluate("(hash) => window.explorer.open(hash)", f"#scene={text}")
        page.wait_for_function(SETTLED)
        found = page.evaluate("window.explorer.link.getAttribute('href')")
        assert f"scene={text}&" in found or (text.endswith("-6-1-1") and "scene=red-square-1-1&" in found)

"""The table of systems in a real browser: opened from disk, the network off, by mouse and by keyboard."""

import pytest
from support.readable import contrast

from vlmteach.course.systems import load_systems
from vlmteach.views import SystemsView

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror='window.hacked = 1'></script><script>window.hacked = 1</script>"


@pytest.fixture(scope="module")
def tab(chromium):
    """A page without network for all tables, and what was complained of in it."""
    complaints = []
    context = chromium.new_context(viewport={"width": 1100, "height": 900})
    context.set_offline(True)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else complaints.append(request.url))
    yield page, complaints
    context.close()


@pytest.fixture
def show(tab, tmp_path):
    """A function that opens a table from disk; afterwards nothing was complained of and nothing asked for outside."""
    page, complaints = tab

    def open_page(table):
        file = tmp_path / "systems.html"
        file.write_text(SystemsView(table).to_html(), encoding="utf-8")
        page.emulate_media(color_scheme="light")
        page.goto(file.as_uri())
        page.wait_for_selector("[role=grid]")
        return page

    yield open_page
    page.evaluate("0")  # what the page has said before it answers is heard
    assert complaints == []


def heading(page):
    return page.text_content("section h2")


def test_every_cell_shows_its_systems_and_its_code(show):
    table = load_systems()
    view = table.as_view()
    page = show(view)
    for row, line in enumerate(view["cells"]):
        for column, cell in enumerate(line):
            page.locator("tbody tr").nth(row).locator("td").nth(column).click()
            text = page.inner_text("section")
            for system in cell["systems"]:
                assert f"{system['name']} ({system['year']})" in text
                assert all(value in text for _, value in system["facts"])
            if cell["refusal"]:
                assert cell["refusal"] in text
            else:
                assert page.text_content("section pre") == cell["code"]


def test_the_keyboard_reaches_every_cell_and_stops_at_the_edges(show):
    view = load_systems().as_view()
    page = show(view)
    titles = [row["title"] for row in view["rows"]], [column["title"].lower() for column in view["columns"]]
    page.keyboard.press("Tab")
    page.keyboard.press("Control+Home")
    assert heading(page) == f"{titles[0][0]} + {titles[1][0]}"
    for expected in [*titles[1][1:], titles[1][-1]]:  # once more than there are columns
        page.keyboard.press("ArrowRight")
        assert heading(page) == f"{titles[0][0]} + {expected}"
    for expected in [*titles[0][1:], titles[0][-1]]:
        page.keyboard.press("ArrowDown")
        assert heading(page) == f"{expected} + {titles[1][-1]}"
    page.keyboard.press("Home")
    assert heading(page) == f"{titles[0][-1]} + {titles[1][0]}"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Control+End")
    assert heading(page) == f"{titles[0][-1]} + {titles[1][-1]}"
    assert page.locator("td[aria-selected=true]").count() == 1
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    assert page.locator("td[tabindex='0']").count() == 1  # one stop in the tab order, then the code


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(27, 27, 26)")])
def test_text_is_readable_in_both_colour_schemes(show, scheme, paper):
    page = show(load_systems().as_view())
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
    chosen = '[aria-selected="true"]'
    cells = (
        f"td.filled:not({chosen})",
        "td.filled .year",
        "td.empty",
        "td.refused",
        f"td{chosen}",
        f"td{chosen} .year",
    )
    for selector in ("th", *cells, ".help", "section h2", "section p", "section h3", "dt", "dd", "pre"):
        assert contrast(page, selector) >= 4.5, selector  # WCAG 2, level AA


def test_hostile_text_stays_text(show):
    view = load_systems().as_view()
    view["cells"][0][0]["systems"][0]["name"] = HOSTILE
    view["cells"][0][0]["code"] = HOSTILE
    page = show(view)
    assert page.evaluate("window.hacked") is None
    assert page.text_content("section pre") == HOSTILE
    assert HOSTILE in page.text_content("section h3")

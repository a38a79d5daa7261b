import base64
import dataclasses
import html
import io
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.patchview import scene, synthetic_patchview, synthetic_words

from vlmteach.views import alt_text, draw_patchview
from vlmteach.views.page import one_script
from vlmteach.views.patchview import PatchView, pack
from vlmteach.views.patchview_words import MARKED_READOUTS, READOUTS

MEBIBYTE = 2**20
HOSTILE = "</script><script>window.hacked = 1</script><!-- <img src=x onerror=alert(1)> \" ' & \u2028 π"
SOURCE = Path(__file__).parents[2] / "vlmteach/views"


class Page(HTMLParser):
    """What a browser would find: the tags, and the text inside each script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.title = [], [], ""
        self.inside = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside = tag
        if tag == "script":
            self.scripts.append([dict(attrs), ""])

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1][1] += data
        elif self.inside == "title":
            self.title += data

    def handle_endtag(self, tag):
        self.inside = None


def page_data(page):
    return json.loads(next(text for attrs, text in Page(page).scripts if attrs.get("id") == "data"))


def arrays_of(packed):
    """Every {dtype, offset, shape} of a packed page by its path, decoded as the page does."""
    content = base64.b64decode(packed["bytes"]["base64"])
    content = zlib.decompress(content) if packed["bytes"]["deflated"] else content
    found = {}

    def walk(node, path):
        if isinstance(node, dict) and "dtype" in node:
            count = int(np.prod(node["shape"]))
            flat = np.frombuffer(content, np.dtype(node["dtype"]).newbyteorder("<"), count, node["offset"])
            found[path] = flat.reshape(node["shape"])
        elif isinstance(node, dict):
            for key, child in node.items():
                walk(child, (*path, key))
        elif isinstance(node, (list, tuple)):
            for index, child in enumerate(node):
                walk(child, (*path, index))

    walk(packed, ())
    return found


@pytest.mark.parametrize("make", [synthetic_patchview, synthetic_words])
def test_every_array_of_the_page_is_the_array_that_was_handed_in(make):
    data = make()
    arrays = arrays_of(page_data(PatchView(data).to_html()))
    np.testing.assert_array_equal(arrays["picture",], data.picture)
    for i, panel in enumerate(data.panels):
        for j, layer in enumerate(panel.layers):
            where = ("panels", i, "layers", j)
            heats = [("maps", k, heat) for k, heat in enumerate(layer.maps)]
            heats += [("weights", k, heat) for k, heat in enumerate(layer.weights)]
            for name, k, heat in heats:
                np.testing.assert_array_equal(arrays[(*where, name, k, "levels")], heat.levels)
                np.testing.assert_array_equal(arrays[(*where, name, k, "peak")], heat.peak)
            for key, values in layer.numbers.items():
                np.testing.assert_array_equal(arrays[(*where, "numbers", key)], values)
            if layer.boxes is not None:
                np.testing.assert_array_equal(arrays[(*where, "boxes")], layer.boxes)
            if layer.change is not None:
                np.testing.assert_array_equal(arrays[(*where, "change", "levels")], layer.change.levels)


def test_typed_arrays_start_where_a_browser_accepts_them():
    def offsets(node):
        if isinstance(node, dict) and "dtype" in node:
            yield node["offset"] % np.dtype(node["dtype"]).itemsize
        elif isinstance(node, dict):
            for child in node.values():
                yield from offsets(child)
        elif isinstance(node, (list, tuple)):
            for child in node:
                yield from offsets(child)

    odd = dataclasses.replace(synthetic_words(), picture=scene()[:63, :61].copy())
    assert set(offsets(pack(odd))) == {0}


def test_an_array_that_occurs_twice_is_stored_once():
    layer = pack(synthetic_patchview())["panels"][2]["layers"][0]
    assert layer["weights"][0]["levels"]["offset"] == layer["maps"][0]["levels"]["offset"]


def test_readouts_reach_the_page_in_their_order():
    data = page_data(PatchView(synthetic_patchview()).to_html())
    assert [line["key"] for line in data["readouts"]] == [readout.key for readout in READOUTS]
    assert [line["label"] for line in data["marked_readouts"]] == [readout.label for readout in MARKED_READOUTS]


def test_titles_labels_and_words_cannot_leave_their_place():
    data = synthetic_words(words=(HOSTILE, "b", "c", "d"), title=HOSTILE)
    text = PatchView(data).to_html()
    page = Page(text)
    assert page.tags.count("script") == 3  # the texts, the data and the module, no fourth
    assert "img" not in page.tags
    assert page.title == HOSTILE
    assert page_data(text)["title"] == HOSTILE
    assert page_data(text)["panels"][0]["words"][0] == HOSTILE


def test_a_notebook_gets_the_same_page_in_a_frame_and_a_still_picture_of_it():
    view = PatchView(synthetic_patchview(title=HOSTILE))
    bundle = view._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    tags = Page(bundle["text/html"]).tags
    assert tags == ["div", "iframe", "div", "img", "p"]
    inner = re.search(r"srcdoc='([^']*)'", bundle["text/html"]).group(1)
    assert html.unescape(inner) == view.to_html()


def test_where_the_frame_is_taken_away_a_picture_with_its_description_and_a_sentence_remain():
    data = synthetic_patchview()
    left = re.sub(r"<iframe.*?</iframe>", "", PatchView(data)._repr_mimebundle_()["text/html"], flags=re.DOTALL)
    picture = re.search(r'<img alt="([^"]+)"[^>]* src="data:image/webp;base64,([^"]+)">', left)
    opened = draw_patchview(data, data.stops - 1, (data.cells[0] // 2, data.cells[1] // 2))
    assert html.unescape(picture[1]) == alt_text(opened)
    assert Image.open(io.BytesIO(base64.b64decode(picture[2]))).size == (990, 572)
    assert len(picture[2]) < 80_000  # a lesson may show two, and stays below its bound
    assert "run this cell or trust the notebook" in re.sub(r"<[^>]+>", "", left)


def test_the_page_names_no_address_and_fetches_nothing():
    text = PatchView(synthetic_patchview()).to_html()
    assert not re.search(r"https?:|//cdn|\bsrc=|\bhref=|@import|url\(", text)
    module = one_script("views/patchview.js")
    assert not re.search(
        r"\b(fetch|import|XMLHttpRequest|WebSocket|eval|innerHTML|outerHTML|insertAdjacentHTML)\b", module
    )


def test_the_module_is_one_file_of_less_than_four_hundred_short_lines():
    lines = (SOURCE / "patchview.js").read_text().splitlines()
    assert len(lines) < 400
    assert max(map(len, lines)) <= 120


def test_the_page_is_small():
    assert len(PatchView(synthetic_patchview()).to_html()) < MEBIBYTE
    assert len(PatchView(synthetic_patchview())._repr_mimebundle_()["text/html"]) < MEBIBYTE


def test_anything_but_patchview_data_is_refused():
    with pytest.raises(TypeError, match="dict; expected a PatchViewData"):
        PatchView({"title": "no"})

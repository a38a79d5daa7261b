"""What a lesson becomes on its way to a page."""

from __future__ import annotations

import re

import build_site
import pytest
from nbformat import NotebookNode, v4

BAR = "measuring:  50%|#####     | 8/16 [00:01<00:01,  6.0it/s]"


def page_of(*outputs: NotebookNode) -> list[NotebookNode]:
    notebook = v4.new_notebook(
        cells=[v4.new_code_cell("explore(draw)", outputs=list(outputs))], metadata={"language_info": {"name": "python"}}
    )
    return build_site.as_page(notebook).cells[0].outputs


def shown(data: dict[str, str], alt: str = "") -> NotebookNode:
    return v4.new_output("display_data", data, metadata={"image/png": {"alt": alt}} if alt else {})


def test_a_controls_still_picture_becomes_a_figure_with_its_description_and_a_caption() -> None:
    (output,) = page_of(shown({"image/png": "AAAA\n", "text/plain": "Explorer(children=())"}, 'row 0 of "x" < 3'))
    assert output.data["text/html"] == (
        '<figure><img alt="row 0 of &quot;x&quot; &lt; 3" src="data:image/png;base64,AAAA">'
        f"<figcaption>{build_site.CAPTION}</figcaption></figure>"
    )
    assert "image/png" not in output.data


def test_a_picture_that_moved_by_itself_needs_no_caption() -> None:
    (output,) = page_of(shown({"image/png": "AAAA", "text/plain": "LiveFigure(value='')"}, "the end of a training"))
    assert "figcaption" not in output.data["text/html"]


def test_a_picture_without_a_description_is_refused() -> None:
    with pytest.raises(ValueError, match="no description"):
        page_of(shown({"image/png": "AAAA", "text/plain": "Explorer()"}))


def test_a_progress_bar_goes_and_text_stays() -> None:
    printed = v4.new_output("stream", name="stdout", text=BAR)
    number = shown({"text/plain": "tensor(0.5)"})
    assert page_of(shown({"text/plain": BAR}), printed, number) == [printed, number]


def test_a_page_leads_to_the_languages_that_have_it_from_wherever_it_stands() -> None:
    names = {"en": "English", "ja": "日本語"}
    lesson = "notebooks/00_start_here.html"
    for page, language, href in [
        ("index.html", "en", "ja/index.html"),
        (lesson, "en", f"../ja/{lesson}"),
        ("index.html", "ja", "../index.html"),
        (lesson, "ja", f"../../{lesson}"),
    ]:
        assert f'href="{href}"' in build_site.switch(page, language, names)
    assert build_site.switch("notebooks/99_no_such.html", "en", names) == ""
    assert build_site.switch(lesson, "en", {}) == ""


def test_the_first_page_in_japanese_links_to_what_is_there() -> None:
    text = build_site.front_page("ja")
    assert "](docs/" not in text
    assert "README" not in text
    linked = re.findall(r"\]\(notebooks/(\d\d_\w+)\.ipynb\)", text)
    assert sorted(set(linked)) == sorted(path.stem for path in build_site.notebooks("ja").glob("*.ipynb"))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("自己注意機構を使います。", "自己注意"),
        ("自己注意機構を使います。", "注意"),
        ("層が3つ", "層"),
        ("CNNと畳み込み", "CNN"),
    ],
)
def test_what_a_japanese_query_is_cut_into_is_in_the_index_of_a_text_that_has_it(text: str, query: str) -> None:
    pytest.importorskip("sphinx")
    from japanese_search import JapaneseSearch

    search = JapaneseSearch({})
    pairs = [query[i : i + 2] for i in range(len(query) - 1)]  # what the page's splitQuery makes of Japanese
    assert set(pairs if len(query) > 1 and not query.isascii() else [query]) <= set(search.split(text))
    assert "自動" not in search.split(text)

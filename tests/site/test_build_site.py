"""What a lesson becomes on its way to a page."""

from __future__ import annotations

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

import base64
import io

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image
from slim_pictures import slim, slim_pictures


def encoded(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def decoded(png):
    return Image.open(io.BytesIO(base64.b64decode(png)))


PICTURE = Image.linear_gradient("L").convert("RGBA")
PNG = encoded(PICTURE)


def test_a_picture_is_smaller_and_shows_the_same():
    assert len(slim(PNG)) < len(PNG)
    assert decoded(slim(PNG)).mode == "RGB"
    assert decoded(slim(PNG)).convert("RGBA").tobytes() == PICTURE.tobytes()


def test_what_is_transparent_stays_so():
    glass = PICTURE.copy()
    glass.putalpha(100)

    assert decoded(slim(encoded(glass))).tobytes() == glass.tobytes()


@pytest.mark.parametrize("alt", ["a row &lt; 3", ""])
def test_every_picture_of_a_notebook_is_reached_and_its_words_stay(alt):
    page = f'<p>one</p><img alt="{alt}" style="x" src="data:image/png;base64,%s">'
    framed = f'<iframe srcdoc="<img alt=&quot;{alt}&quot;" src="data:image/png;base64,{PNG}"></iframe>'
    shown = [{"image/png": PNG}, {"text/html": page % PNG, "text/plain": "x"}, {"text/html": framed}, {}]
    notebook = new_notebook(cells=[new_code_cell(outputs=[new_output("display_data", data) for data in shown])])
    slim_pictures(notebook)

    assert [output.data for output in notebook.cells[0].outputs] == [
        {"image/png": slim(PNG)},
        {"text/html": page % slim(PNG), "text/plain": "x"},
        {"text/html": framed},
        {},
    ]

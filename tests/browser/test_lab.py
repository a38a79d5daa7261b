"""What goes wrong in a notebook is noticed, or the other tests in this folder would prove nothing."""

import nbformat
import pytest

pytestmark = pytest.mark.browser

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.mark.parametrize("source", ["1 / 0", "import warnings\nwarnings.warn('careful')"])
def test_what_a_cell_raises_or_warns_of_is_an_error(lab, source):
    cells = [nbformat.v4.new_code_cell(text) for text in (source, "'not reached'")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), lab.folder / "wrong.ipynb")
    with pytest.raises(AssertionError, match=r"ZeroDivisionError|careful"), lab.ran("wrong.ipynb"):
        pass

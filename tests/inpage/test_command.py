"""`python -m vlmteach.inpage FILE.html`."""

import pytest

from vlmteach.inpage.__main__ import main


def test_the_page_is_written_to_the_file_that_is_named(tmp_path, capsys):
    path = tmp_path / "ask.html"
    assert main([str(path)]) == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "no network needed" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["a.html", "b.html"]])
def test_without_one_file_it_says_how_to_use_it(arguments, capsys):
    assert main(arguments) == 2
    assert "usage: python -m vlmteach.inpage FILE.html" in capsys.readouterr().err

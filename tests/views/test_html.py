"""Letters that a figure's fonts have or have not."""

import warnings
from contextlib import contextmanager

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from vlmteach.views import describe, figure_html, new_figure, style, use_style
from vlmteach.views.html import still_html
from vlmteach.views.vlm import draw_next_words

JAPANESE = {"この画像は": {"赤い": 0.7, "青い": 0.3}}
LETTERS = "この画像は赤い青"


@contextmanager
def only_fonts(*paths):
    """matplotlib finds DejaVu and the fonts at these paths, whatever else this computer has."""
    manager = font_manager.fontManager
    before = manager.ttflist
    manager.ttflist = [font for font in before if font.name.startswith("DejaVu")]
    try:
        for path in paths:
            manager.addfont(path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(style, "packaged_font", lambda: None)
            use_style()
            yield
    finally:
        manager.ttflist = before
        manager._findfont_cached.cache_clear()  # or a font that is gone would be found again


def font_with(letters, name, path):
    """A font in which every letter is a black square, and nothing else is drawn."""
    pen = TTGlyphPen(None)
    for command, place in zip(
        ("moveTo", "lineTo", "lineTo", "lineTo"), ((0, 0), (0, 900), (900, 900), (900, 0)), strict=True
    ):
        getattr(pen, command)(place)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    names = [f"letter{ord(letter)}" for letter in letters]
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({ord(letter): glyph for letter, glyph in zip(letters, names, strict=True)})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **dict.fromkeys(names, pen.glyph())})
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


def test_japanese_is_drawn_with_whichever_font_has_it_and_nothing_is_said(tmp_path) -> None:
    with (
        only_fonts(font_with(LETTERS, "Yu Gothic", tmp_path / "font.ttf")),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        page = figure_html(draw_next_words(JAPANESE))
    assert [str(warning.message) for warning in caught] == []
    assert "No font" not in page


def test_the_package_s_font_has_japanese_letters_bold_ones_too_and_nothing_is_said(capsys) -> None:
    manager = font_manager.fontManager
    before = manager.ttflist
    manager.ttflist = [font for font in before if font.name.startswith("DejaVu")]
    try:
        use_style()
        figure, axes = new_figure(height=1)
        axes.set_title(LETTERS, weight="bold")
        page = figure_html(describe(figure, LETTERS))
    finally:
        manager.ttflist = before
        manager._findfont_cached.cache_clear()
    assert "No font" not in page
    assert capsys.readouterr().err == ""  # where matplotlib complains of a font


def test_latin_letters_keep_the_courses_own_font(tmp_path) -> None:
    def drawn(*fonts):
        with only_fonts(*fonts):
            figure, axes = new_figure(height=1)
            axes.set_title("abc")
            return figure_html(describe(figure, "abc"))

    assert drawn() == drawn(font_with("abc", "Yu Gothic", tmp_path / "font.ttf"))


def test_without_such_a_font_the_letters_are_named_in_one_sentence(capfd) -> None:
    with only_fonts(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        page = figure_html(draw_next_words(JAPANESE))
    assert caught == []
    assert capfd.readouterr() == ("", "")
    picture, _, sentence = page.partition('<p role="note">')
    assert picture.count("<img") == 1
    assert sentence.startswith("No font of this computer has the letters ")
    assert set(sentence.split("letters ")[1].split(",")[0]) == set(LETTERS)
    assert "Noto Sans CJK" in sentence


def test_many_letters_are_cut_short_and_stay_text() -> None:
    with only_fonts():
        figure, axes = new_figure(height=1)
        axes.set_title("".join(map(chr, range(0x4E00, 0x4E20))))
        page = figure_html(describe(figure, "a title"))
    assert "一丁丂七丄丅丆万…" in page


def test_other_warnings_of_a_figure_are_passed_on(monkeypatch) -> None:
    real = Figure.savefig

    def warned(figure, *args, **kwargs):
        warnings.warn("tight layout not applied", stacklevel=1)
        return real(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", warned)
    with pytest.warns(UserWarning, match="tight layout not applied"):
        figure_html(describe(new_figure(height=1)[0], "nothing"))


def test_a_still_is_the_same_picture_in_fewer_bytes() -> None:
    figure = draw_next_words({"a": {"b": 0.7, "c": 0.3}})
    assert len(still_html(figure)) < len(figure_html(figure))
    assert still_html(figure).split('src="')[0] == figure_html(figure).split('src="')[0]

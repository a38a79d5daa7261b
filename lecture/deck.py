"""A lesson's slides as one page on reveal.js that opens from disk with the network off.

The page holds all slides; `?cut=20` or `?cut=50` in its address leaves those of longer lectures out before reveal.js
counts them. Press S for the speaker's window; `?print-pdf` lays the slides out for printing, and
`?print-pdf&handout` puts the notes on pages between.
"""

from __future__ import annotations

import html
import shutil
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import matplotlib
from bs4 import BeautifulSoup
from IPython.lib.lexers import IPython3Lexer
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter

from lecture.figures import Drawn
from lecture.polls import Option, Poll
from lecture.slides import Shown, Slide, code_of, picture_of, printed
from vlmteach.course import Lesson
from vlmteach.language import _, columns_of, current_language

STATIC = Path(__file__).parent / "static"
FONTS = ("regular", "italic", "semibold", "semibolditalic")
_STAGE = (STATIC / "stage.css").read_text("utf-8")

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="shared/reset.css">
<link rel="stylesheet" href="shared/reveal.css">
<link rel="stylesheet" href="shared/deck.css">
{maths}</head>
<body>
<div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="shared/reveal.js"></script>
<script src="shared/notes.js"></script>
<script src="shared/deck.js"></script>
</body>
</html>
"""
# enableMenu: its choices would load more of MathJax; only spans of class "math" are typeset
MATHS = """<script>
MathJax = {
  options: { enableMenu: false, ignoreHtmlClass: "reveal", processHtmlClass: "math" },
  tex: { inlineMath: [["\\\\(", "\\\\)"]], packages: { "[-]": ["noundefined"] } },
};
</script>
<script defer src="shared/tex-svg.js"></script>
"""


def _maths(tex: str, options: dict[str, bool]) -> str:
    left, right = (r"\[", r"\]") if options["display_mode"] else (r"\(", r"\)")
    return f'<span class="math">{left}{html.escape(tex)}{right}</span>'


_MARKDOWN = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, renderer=_maths)


def markdown(text: str) -> str:
    """Markdown with maths as HTML."""
    return _MARKDOWN.render(text)


def markdown_line(text: str) -> str:
    """The same for one line, without a paragraph around it."""
    return _MARKDOWN.renderInline(text)


def deck(
    lesson: Lesson, slides: list[Slide], polls: dict[str, Poll], figures: Mapping[str, Drawn] = MappingProxyType({})
) -> str:
    """The page of a lesson's slides. Raises ValueError, naming the slide, where a part it shows is not there.

    figures: those drawn for slides, by cell; the others are the notebook's.
    """
    sections = [_opening(lesson)]
    for slide in slides:
        if slide.poll:
            sections.append(_poll(polls[slide.poll], slide.cut))
        try:
            sections.append(_slide(slide, figures.get(slide.next_cell)))
        except ValueError as error:
            raise ValueError(f"{lesson.name}, slide {slide.title!r}: {error}.") from None
    shown = "\n".join(sections)
    return _PAGE.format(
        language=current_language(),
        title=html.escape(_("{title} · slides", title=_(lesson.title))),
        maths=MATHS if 'class="math"' in shown else "",
        slides=shown,
    )


def _section(content: str, notes: str, cut: int, minutes: int, kind: str = "") -> str:
    return (
        f'<section class="{kind}" data-cut="{cut}" data-timing="{60 * minutes}">\n{content}\n'
        f'<aside class="notes">{notes}</aside>\n</section>'
    )


def _opening(lesson: Lesson) -> str:
    number = _("Lesson {number:02d}", number=lesson.number)
    content = f'<p class="number">{number}</p>\n<h1>{html.escape(_(lesson.title))}</h1>'
    notes = _("The lecture begins with the next slide.")
    return _section(content, f"<p>{notes}</p>", 20, 0, "opening")


def _slide(slide: Slide, drawn: Drawn | None) -> str:
    if slide.show and slide.cell is None:
        raise ValueError("the cell it shows is not in the built notebook; run `make notebooks`")
    text = markdown(slide.text) if slide.text else ""
    parts = "\n".join(_part(slide, shown, drawn) for shown in slide.show)
    if any(shown.part != "figure" for shown in slide.show):
        parts = f'<div style="--code-size: {_code_size(slide)}px">\n{parts}</div>'
    title = markdown_line(slide.title)
    return _section(f"<h2>{title}</h2>\n{text}{parts}", markdown(slide.notes), slide.cut, slide.minutes)


def _code_size(slide: Slide) -> int:
    """The largest letters, from 24 to 34 pixels, that hold the longest line and leave room for text above."""
    lines = []
    for shown in slide.show:
        if shown.part == "code":
            lines += code_of(slide, shown).split("\n")
        elif shown.part == "output":
            lines += shown.lines_of(printed(slide.cell)).split("\n")  # type: ignore[arg-type]
    fits = 1140 / (0.603 * max(map(columns_of, lines))), 420 / (1.32 * len(lines))
    return max(24, min(34, int(min(fits))))


def _part(slide: Slide, shown: Shown, drawn: Drawn | None) -> str:
    assert slide.cell is not None
    if shown.part == "code":
        return highlight(code_of(slide, shown), IPython3Lexer(), HtmlFormatter(cssclass="code", wrapcode=True))
    if shown.part == "output":
        text = printed(slide.cell)
        if not text:
            raise ValueError("its cell printed nothing")
        return f'<pre class="output" data-cell="{slide.cell.id}">{html.escape(shown.lines_of(text))}</pre>'
    return _figure(slide.cell, drawn)


def _figure(cell: NotebookNode, drawn: Drawn | None) -> str:
    """The first picture or explorer of a cell, with its description; the picture as it was drawn for a slide."""
    if picture := picture_of(cell):
        alt, source = picture
        letters = ""
        if drawn:
            source, letters = f"data:image/png;base64,{drawn.png}", f' data-letters="{drawn.letters:.2f}"'
        return f'<figure data-cell="{cell.id}"><img alt="{html.escape(alt)}"{letters} src="{source}"></figure>'
    for output in cell.outputs:
        if frame := BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser").find("iframe"):
            inside, title = _on_stage(frame["srcdoc"]), html.escape(frame["title"])
            return (
                f'<div class="explorer" data-cell="{cell.id}"><iframe title="{title}" srcdoc="{inside}"></iframe></div>'
            )
    raise ValueError("its cell shows no figure")


def _on_stage(page: str) -> str:
    """An explorer's page in its lecture layout, ready to stand between double quotes."""
    staged = page.replace("</head>", f"<style>\n{_STAGE}</style>\n</head>", 1).replace("<html ", "<html data-stage ", 1)
    return html.escape(staged)


def reason(option: Option) -> str:
    """Why an option is right or wrong, as HTML; that it is right comes first."""
    why = markdown_line(option.why)
    return _("Right. {why}", why=why) if option.right else why


def _poll(poll: Poll, cut: int) -> str:
    options, reasons = [], []
    for letter, option in zip("ABCDEF", poll.options, strict=False):
        say, why = markdown_line(option.say), markdown_line(option.why)
        right = " data-right" if option.right else ""
        button = f'<button type="button"><b>{letter}</b> {say}</button>'
        options.append(f'<li{right}>{button}<p class="why" hidden>{why}</p></li>')
        reasons.append(f"<li><b>{letter}</b> {reason(option)}</li>")
    content = (
        f'<h2>{markdown_line(poll.ask)}</h2>\n<ol class="options">{"".join(options)}</ol>\n'
        '<span class="fragment answer"></span>'
    )
    tried = _("It can be tried:")
    see = f"<p>{tried} <code>{html.escape(poll.see)}</code></p>" if poll.see else ""
    lead = _("Give them a minute to vote before anything moves. Then:")
    notes = f"<p>{lead}</p><ul>{''.join(reasons)}</ul>{see}"
    return _section(content, notes, cut, poll.minutes, "poll")


def write_shared(folder: Path) -> None:
    """What all decks share: reveal.js from its package, fonts and their licences, MathJax, our style and script."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = resources.files("sphinx_revealjs") / "_static" / "revealjs"
    for name in ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"):
        (folder / Path(name).name).write_bytes((packed / name).read_bytes())
    (folder / "LICENSE-reveal.txt").write_bytes((packed / "LICENSE").read_bytes())
    sans = packed / "dist" / "theme" / "fonts" / "source-sans-pro"
    for weight in FONTS:
        (folder / f"source-sans-pro-{weight}.woff").write_bytes((sans / f"source-sans-pro-{weight}.woff").read_bytes())
    (folder / "LICENSE-source-sans-pro.txt").write_bytes((sans / "LICENSE").read_bytes())
    mono = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    shutil.copyfile(mono / "DejaVuSansMono.ttf", folder / "DejaVuSansMono.ttf")
    shutil.copyfile(mono / "LICENSE_DEJAVU", folder / "LICENSE-dejavu.txt")
    maths = resources.files("mathjax") / "static" / "mathjax"
    (folder / "tex-svg.js").write_bytes((maths / "es5" / "tex-svg.js").read_bytes())
    (folder / "LICENSE-mathjax.txt").write_bytes((maths / "LICENSE").read_bytes())
    colours = HtmlFormatter(style="friendly").get_style_defs(".code")
    (folder / "deck.css").write_text((STATIC / "deck.css").read_text("utf-8") + colours, "utf-8")
    shutil.copyfile(STATIC / "deck.js", folder / "deck.js")

"""Build the static edition: every built lesson as a page of one folder that opens from disk with the network off.

    python docs/build_site.py        writes site/; open site/index.html, or site/ask.html, the page that answers

Another language is a site of its own inside this one, site/ja/, with its own search. The pages of a lesson lead to the
same lesson in each language that has it.

The notebooks are shown as they were committed and never run. Three things of a notebook mean nothing on a page and are
adapted: a control's still picture gets its description and a caption, a finished progress bar goes, and code gets
IPython's colours.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from vlmteach.inpage import AskPage
from vlmteach.inpage.page import TITLE as ASK_TITLE
from vlmteach.language import ENGLISH, N_, _, use_language

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
STAGED = ROOT / "build" / "site"
MATHJAX = ("es5/tex-svg.js", "LICENSE")
PROGRESS = re.compile(r"\d+%\|.*\| \d+/\d+ \[")
ASK = "ask.html"  # the page that answers, made of the shipped models: no page of Sphinx
CAPTION = N_("A still: its controls move when the lesson runs in Jupyter or Colab.")
TITLE = N_("Can a CNN be the image encoder of a vision-language model?")
LANGUAGES = {
    ENGLISH: "English",
    **{
        path.parent.name: tomllib.loads(path.read_text("utf-8"))["name"]
        for path in sorted((ROOT / "notebooks" / "po").glob("*/edition.toml"))
    },
}
# A link of a language's README: what it shows, and whether it leads to a lesson in that language, to one in English, to
# a page of docs/ or to a file there.
LINK = re.compile(
    r"\[([^\]]+)\]\((?:notebooks/(\w\w)/(\d\d_\w+)\.ipynb|notebooks/(\d\d_\w+)\.ipynb|docs/(\w+)\.md|docs/([^)]+))\)"
)


def as_page(notebook: NotebookNode) -> NotebookNode:
    """The notebook as a page shows it. Raises ValueError when a picture has no description."""
    notebook.metadata.language_info["pygments_lexer"] = "ipython3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [_still(output) for output in cell.outputs if not _is_progress_bar(output)]
    return notebook


def _is_progress_bar(output: NotebookNode) -> bool:
    data = output.get("data", {})
    return set(data) == {"text/plain"} and bool(PROGRESS.search(data["text/plain"]))


def _still(output: NotebookNode) -> NotebookNode:
    """A widget's still picture as a figure with its description; every other output as it is."""
    data = output.get("data", {})
    if "image/png" not in data:
        return output
    alt = output.metadata.get("image/png", {}).get("alt")
    if not alt:
        raise ValueError("a picture has no description in its output's metadata: rebuild its lesson (make notebooks).")
    source = "".join(data.pop("image/png").split())
    caption = f"<figcaption>{_(CAPTION)}</figcaption>" if data.get("text/plain", "").startswith("Explorer(") else ""
    data["text/html"] = f'<figure><img alt="{html.escape(alt)}" src="data:image/png;base64,{source}">{caption}</figure>'
    return output


def notebooks(language: str) -> Path:
    """The folder of a language's built lessons."""
    return ROOT / "notebooks" / ("" if language == ENGLISH else language)


def site_of(language: str, site: Path = SITE) -> Path:
    """The folder of a language's pages: the English ones lie around the others."""
    return site if language == ENGLISH else site / language


def switch(page: str, language: str, languages: Mapping[str, str] = LANGUAGES) -> str:
    """Links from a page to itself in those other languages that have it. page: index.html or notebooks/….html."""
    up = "../" * (page.count("/") + (language != ENGLISH))
    links = [
        f'<a href="{up}{"" if code == ENGLISH else f"{code}/"}{page}" lang="{code}" hreflang="{code}">{name}</a>'
        for code, name in languages.items()
        if code != language and (page == "index.html" or (notebooks(code) / f"{Path(page).stem}.ipynb").exists())
    ]
    return f'<p class="languages">{" · ".join(links)}</p>\n\n' if links else ""


def front_page(language: str) -> str:
    """The first page in another language: the model that answers, what its README says, and the list of its lessons."""
    readme = (ROOT / f"README.{language}.md").read_text("utf-8")
    _title, _languages, *parts, _elsewhere = readme.split("\n\n")
    text = LINK.sub(_link, "\n\n".join(parts))
    asks = (
        f'<iframe class="ask-frame" title="{_(ASK_TITLE)}" src="{ASK}#only=ask&amp;ask=is-red-left-of-blue"></iframe>\n'
        f'<p><a href="{ASK}">{_(ASK_TITLE)}</a></p>'
    )
    listed = "```{toctree}\n:glob:\n:hidden:\n\nnotebooks/*\n```\n"
    return f"{switch('index.html', language)}# {_(TITLE)}\n\n{asks}\n\n{text}\n\n{listed}"


def _link(link: re.Match[str]) -> str:
    shown, _language, lesson, english, page, file = link.groups()
    if lesson:
        return f"[{shown}](notebooks/{lesson}.ipynb)"
    if file:
        return f"[{shown}]({file})"
    return f'<a href="../{f"notebooks/{english}" if english else page}.html">{shown}</a>'


def stage(folder: Path = STAGED, language: str = ENGLISH, languages: Mapping[str, str] = LANGUAGES) -> Path:
    """Lay out what Sphinx reads: this folder, the README, the lessons as pages, and MathJax from its package.

    languages: code -> name of those that stand beside it, which its pages lead to.
    """
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    english_only = () if language == ENGLISH else ("*.md",)
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("__pycache__", "build_site.py", *english_only))
    if language == ENGLISH:
        readme = (ROOT / "README.md").read_text("utf-8").replace("](docs/", "](")  # here they stand side by side
        (source / "README.md").write_text(readme, "utf-8")
        index = source / "index.md"
        index.write_text(switch("index.html", language, languages) + index.read_text("utf-8"), "utf-8")
    else:
        (source / "index.md").write_text(front_page(language), "utf-8")
    (source / "notebooks").mkdir()
    for path in sorted(notebooks(language).glob("*.ipynb")):
        page = as_page(nbformat.read(path, as_version=4))
        english = r'<a href="../../notebooks/\2.html">\1</a>'  # lessons that this language lacks
        for cell in page.cells:
            if cell.cell_type == "markdown":
                cell.source = re.sub(r"\[([^\]]+)\]\(\.\./(\d\d_\w+)\.ipynb\)", english, cell.source)
        page.cells[0].source = switch(f"notebooks/{path.stem}.html", language, languages) + page.cells[0].source
        nbformat.write(page, source / "notebooks" / path.name)
    (source / "static" / "mathjax").mkdir()
    for name in MATHJAX:
        packed = resources.files("mathjax") / "static" / "mathjax" / name
        (source / "static" / "mathjax" / Path(name).name).write_bytes(packed.read_bytes())
    return source


def build(source: Path, site: Path, add: Callable[[Path], None], language: str = ENGLISH) -> int:
    """Build what was staged, and put it in `site` when Sphinx had nothing to warn of. Returns Sphinx's exit status.

    add: puts into the built folder what is no page of Sphinx. language: of the theme's words, and of the search.
    """
    from sphinx.cmd.build import build_main  # here, so that the adapting of a lesson can be tested without Sphinx

    built, trees = source.parent / "html", source.parent / "trees"
    shutil.rmtree(built, ignore_errors=True)
    options = ["-W", "--keep-going", "-q", "-E", "-D", f"language={language}"]
    status = build_main([*options, "-d", str(trees), str(source), str(built)])
    if status == 0:
        add(built)
        shutil.rmtree(site, ignore_errors=True)
        shutil.move(built, site)
    return status


def write_ask(folder: Path) -> None:
    """Put the page that answers into a folder."""
    (folder / ASK).write_text(AskPage().to_html(), encoding="utf-8")


def main() -> int:
    """Stage and build the site. Returns Sphinx's exit status."""
    status = 0
    for language in LANGUAGES:
        use_language(language)
        status = status or build(stage(language=language), site_of(language), write_ask, language)
    use_language(ENGLISH)
    if status == 0:
        size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
        print(f"site/index.html: {len(list(SITE.rglob('*.html')))} pages, {size / 2**20:.1f} MB")
    return status


if __name__ == "__main__":
    sys.exit(main())

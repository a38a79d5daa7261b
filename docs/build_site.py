"""Build the static edition: every built lesson as a page of one folder that opens from disk with the network off.

    python docs/build_site.py        writes site/; open site/index.html, or site/ask.html, the page that answers

The notebooks are shown as they were committed and never run. Three things of a notebook mean nothing on a page and are
adapted: a control's still picture gets its description and a caption, a finished progress bar goes, and code gets
IPython's colours.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from vlmteach.inpage import AskPage

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
STAGED = ROOT / "build" / "site"
MATHJAX = ("es5/tex-svg.js", "LICENSE")
PROGRESS = re.compile(r"\d+%\|.*\| \d+/\d+ \[")
ASK = "ask.html"  # the page that answers, made of the shipped models: no page of Sphinx
CAPTION = "A still: its controls move when the lesson runs in Jupyter or Colab."


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
    caption = f"<figcaption>{CAPTION}</figcaption>" if data.get("text/plain", "").startswith("Explorer(") else ""
    data["text/html"] = f'<figure><img alt="{html.escape(alt)}" src="data:image/png;base64,{source}">{caption}</figure>'
    return output


def stage(folder: Path = STAGED) -> Path:
    """Lay out what Sphinx reads: this folder, the README, the lessons as pages, and MathJax from its package."""
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("__pycache__", "build_site.py"))
    readme = (ROOT / "README.md").read_text("utf-8").replace("](docs/", "](")  # here they stand side by side
    (source / "README.md").write_text(readme, "utf-8")
    (source / "notebooks").mkdir()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        nbformat.write(as_page(nbformat.read(path, as_version=4)), source / "notebooks" / path.name)
    (source / "static" / "mathjax").mkdir()
    for name in MATHJAX:
        packed = resources.files("mathjax") / "static" / "mathjax" / name
        (source / "static" / "mathjax" / Path(name).name).write_bytes(packed.read_bytes())
    return source


def build(source: Path, site: Path, add: Callable[[Path], None]) -> int:
    """Build what was staged, and put it in `site` when Sphinx had nothing to warn of. Returns Sphinx's exit status.

    add: puts into the built folder what is no page of Sphinx.
    """
    from sphinx.cmd.build import build_main  # here, so that the adapting of a lesson can be tested without Sphinx

    built, trees = source.parent / "html", source.parent / "trees"
    shutil.rmtree(built, ignore_errors=True)
    status = build_main(["-W", "--keep-going", "-q", "-E", "-d", str(trees), str(source), str(built)])
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
    status = build(stage(), SITE, write_ask)
    if status == 0:
        size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
        print(f"site/index.html: {len(list(SITE.rglob('*.html')))} pages, {size / 2**20:.1f} MB")
    return status


if __name__ == "__main__":
    sys.exit(main())

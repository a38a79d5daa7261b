"""A view as one self-contained page: data, one stylesheet and one ES module, with no kernel and no network.

In a notebook the page stands in a frame of its own, so it looks and works the same in JupyterLab, Colab, VS Code and
exported HTML.
"""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from vlmteach.language import N_, _, current_language

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main id="{name}"><p>{needs_javascript}</p></main>
<script type="application/json" id="texts">{texts}</script>
<script type="application/json" id="data">{data}</script>
<script type="module">
{module}
const root = document.getElementById("{name}");
const data = JSON.parse(document.getElementById("data").textContent);
// inside a notebook's frame: be as high as the content (frameElement is null where the notebook forbids it)
const frame = window.frameElement;
if (frame) new ResizeObserver(() => (frame.style.height = `${{root.offsetHeight + 2}}px`)).observe(root);
Promise.resolve().then(() => mount(root, data)).then(() => {{
  const still = frame?.nextElementSibling;
  if (still) still.style.display = "none";
}}).catch((error) => {{
  root.textContent = {could_not_start}.replace("{{error}}", () => error.message);
  throw error;
}});
</script>
</body>
</html>
"""

_IMPORT = re.compile(r"^import\b.*\n", re.MULTILINE)
_OURS = re.compile(r'import \{ [\w, ]+ \} from "(\.\.?/[\w./]+\.js)";\n')
_TEXT = re.compile(r'\b_\("((?:[^"\\]|\\.)*)"')  # what a script marks
_HOW_TO_RUN = N_(
    "This stands in for an interactive view. To use the view, run this cell or trust the notebook; on a page that only "
    "shows notebooks, such as GitHub's, open it in Jupyter or Colab first."
)


def make_page(name: str, module: str, title: str, data: Mapping[str, Any]) -> str:
    """One HTML document that opens from disk with the network off.

    name: id of the page's main element. module: of the .css and .js file, "views/patchview" from the package's folder;
    the .js defines mount(root, data), and what it imports from other files of the package comes along. Its own texts
    stand in it as `_("…")`, with the `_` of views/language.js, and reach the page in the language in use.
    title and every text in data reach the page as text, whatever they contain.
    """
    script = one_script(f"{module}.js")
    return _PAGE.format(
        language=current_language(),
        needs_javascript=_("This page needs JavaScript."),
        name=name,
        title=html.escape(title),
        style=_resource(f"{module}.css"),
        texts=_packed(_translated(script)),
        data=_packed(data),
        could_not_start=_packed(_("This page could not start: {error}")),
        module=script,
    )


def _packed(data: Any) -> str:
    # inside a script element only "<" can end it, so no title or label may bring one
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def marked_texts(script: str) -> list[str]:
    """The texts that a script marks, `_("…")`, each once."""
    return list(dict.fromkeys(json.loads(f'"{text}"') for text in _TEXT.findall(script)))


def _translated(script: str) -> dict[str, str]:
    """Those texts that are another in the language in use, with what they are there."""
    said = {text: _(text) for text in marked_texts(script)}
    return {text: translation for text, translation in said.items() if translation != text}


def in_frame(page: str, title: str, height: int, still: str) -> str:
    """The page as a frame for a notebook's output, and what stands in its place until it runs.

    Notebooks take frames out of outputs that this user did not make, and so do GitHub's pages. still: HTML without a
    script, such as a picture with alt text; a sentence below it says how to get the page. height: pixels, until the
    page has told the frame its own.
    """
    style = f"width: 100%; height: {height}px; border: 0"
    # in single quotes, which a page seldom has: between double ones every quote of its script would take six letters
    inside = page.replace("&", "&amp;").replace("'", "&#39;")
    return (
        f'<div><iframe title="{html.escape(title, quote=True)}" style="{style}" '
        f"srcdoc='{inside}'></iframe><div>{still}<p>{_(_HOW_TO_RUN)}</p></div></div>"
    )


def one_script(path: str) -> str:
    """A module of the package and all that it imports, each once and before it is used, as one text without comments.

    path: from the package's folder. A browser takes no imports from pages on disk, and a frame has no folder.
    Raises ValueError for an import that is none of ours, or has another form than import { … } from "./….js".
    """
    found: dict[str, str] = {}
    _collect(path, found)
    lines = "\n".join(found.values()).splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith("//"))


def _collect(path: str, found: dict[str, str]) -> None:
    source = _resource(path)
    for line in _IMPORT.findall(source):
        wanted = _OURS.fullmatch(line)
        if wanted is None:
            raise ValueError(f'{path} says {line!r}; expected import {{ … }} from "./….js" in one line.')
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), wanted[1]))
        if other not in found:
            _collect(other, found)
    found[path] = _IMPORT.sub("", source)


@cache
def _resource(path: str) -> str:
    return resources.files("vlmteach").joinpath(*path.split("/")).read_text(encoding="utf-8")

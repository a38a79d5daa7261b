"""Store the pictures of a built notebook as small as PNG can, without changing what they show."""

from __future__ import annotations

import base64
import io
import re

from nbformat import NotebookNode
from PIL import Image

IN_HTML = re.compile(r'(<img alt="[^"]*"[^>]* src="data:image/png;base64,)([A-Za-z0-9+/=]+)')


def slim_pictures(notebook: NotebookNode) -> None:
    """Re-encode every PNG in the outputs of a notebook, in place; an explorer's own page is left as it is."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = slim(data["image/png"])
            if "text/html" in data and "<iframe" not in data["text/html"]:
                data["text/html"] = IN_HTML.sub(lambda img: img[1] + slim(img[2]), data["text/html"])


def slim(png: str) -> str:
    """A picture in base64, packed more tightly, and without an alpha channel that hides nothing."""
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        picture = picture.convert("RGB")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")

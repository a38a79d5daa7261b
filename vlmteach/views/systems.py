"""The table of real systems as a page: choose an encoder and a connector, see who uses them, and the code.

The page needs no kernel and no network. All text reaches it as data and is shown as text, whatever it contains.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from vlmteach.language import N_, _
from vlmteach.views.page import in_frame, make_page
from vlmteach.views.style import CNN_HUE, MUTED, VIT_HUE

HUES = {"cnn": CNN_HUE, "vit": VIT_HUE, "hybrid": MUTED}
_TITLE = N_("Real systems: which encoder, which connector")
_FRAME_HEIGHT = 900  # pixels until the page has told its frame its own height


class SystemsView:
    """A table with encoders in rows and connectors in columns: end a cell with it, or write to_html() to a file.

    table: plain data: rows (title, family, explains), columns (title, explains) and cells[row][column] with systems
    (name, year, facts as pairs), refusal (why the pair cannot be, or empty) and code.
    Raises ValueError when cells do not fit rows and columns, or a family has no colour.
    """

    def __init__(self, table: Mapping[str, Any], title: str = _TITLE) -> None:
        shape = [len(line) for line in table["cells"]]
        if shape != [len(table["columns"])] * len(table["rows"]):
            raise ValueError(
                f"the table has {len(table['rows'])} rows, {len(table['columns'])} columns and lines of {shape} cells; "
                "expected one line for each row and one cell for each column."
            )
        unknown = {row["family"] for row in table["rows"]} - set(HUES)
        if unknown:
            raise ValueError(f"no colour for the family {sorted(unknown)}; expected {', '.join(HUES)}.")
        if not any(cell["systems"] for line in table["cells"] for cell in line):
            raise ValueError("no cell of the table holds a system; expected at least one to show first.")
        self.table, self.title = table, _(title)

    def to_html(self) -> str:
        """The whole table as one HTML document that opens from disk with the network off."""
        data = {**self.table, "title": self.title, "hues": HUES}
        return make_page("systems", "views/systems", self.title, data)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        frame = in_frame(self.to_html(), self.title, _FRAME_HEIGHT, self._as_plain_table())
        return {"text/html": frame, "text/plain": repr(self)}

    def _as_plain_table(self) -> str:
        columns = "".join(f'<th scope="col">{html.escape(column["title"])}</th>' for column in self.table["columns"])
        rows = "".join(
            f'<tr><th scope="row">{html.escape(row["title"])}</th>'
            + "".join(f"<td>{html.escape(_names(cell))}</td>" for cell in cells)
            + "</tr>"
            for row, cells in zip(self.table["rows"], self.table["cells"], strict=True)
        )
        return f"<table><caption>{html.escape(self.title)}</caption><tr><td></td>{columns}</tr>{rows}</table>"

    def __repr__(self) -> str:
        filled = [len(cell["systems"]) for line in self.table["cells"] for cell in line if cell["systems"]]
        return f"SystemsView({sum(filled)} systems in {len(filled)} of {sum(map(len, self.table['cells']))} cells)"


def _names(cell: Mapping[str, Any]) -> str:
    return ", ".join(f"{system['name']} ({system['year']})" for system in cell["systems"]) or "–"

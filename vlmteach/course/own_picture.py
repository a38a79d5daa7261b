"""A student's own picture: a button to upload it, what was done to it, and what it looks like now."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets
import torch.nn.functional as F
from torch import Tensor

from vlmteach.course.machine import on_colab
from vlmteach.language import N_, _
from vlmteach.pictures import load_picture, photograph
from vlmteach.views import figure_html
from vlmteach.views.picture import draw_picture

LONGEST_SIDE = 896  # pixels: four times what the encoders see, and little enough to keep
ON_COLAB = N_(
    "On Colab this button loses files of 1 MB and more. Take such a picture in a new cell: "
    "<code>from google.colab import files; mine.take(files.upload())</code>"
)
NOTHING = N_("Nothing has arrived. Choose the picture again, or give its path to <code>mine.take</code>.")
AGAIN = N_("Run the cells below again, and the lesson uses this picture.")


class OwnPicture(widgets.VBox):
    """The picture of a lesson: the course's photograph, until another one is uploaded or taken.

    picture: (3, H, W), float32 RGB in [0, 1]. An upload that is not a picture changes nothing; the reason is shown
    below the button. Where the button does not work, `take` accepts whatever load_picture reads.
    """

    def __init__(self) -> None:
        self.picture = photograph(height=606, width=512)
        self.upload = widgets.FileUpload(
            accept="image/*", multiple=False, description=_("Choose a picture"), layout=widgets.Layout(width="14em")
        )
        self.notes = widgets.HTML()
        self.shown = widgets.HTML()
        hints = [widgets.HTML(f"<p>{_(ON_COLAB)}</p>")] if on_colab() else []  # ipywidgets#3452
        super().__init__(children=[self.upload, *hints, self.notes, self.shown])
        self._show("the course's photograph")
        self.upload.observe(self._uploaded, names="value")

    def take(self, source: object) -> None:
        """Use the picture in a file or an upload from now on. Raises what load_picture raises, and changes nothing."""
        notes: list[str] = []
        self.picture = _at_most(LONGEST_SIDE, load_picture(source, enough=LONGEST_SIDE, tell=notes.append), notes)
        self.notes.value = "".join(f"<p>{html.escape(note)}</p>" for note in [*notes, _(AGAIN)])
        self._show("your picture")

    def _show(self, title: str) -> None:
        self.shown.value = figure_html(draw_picture(self.picture.permute(1, 2, 0).numpy(), title))

    def _uploaded(self, _change: Any) -> None:
        if not self.upload.value:
            self._refuse(_(ON_COLAB if on_colab() else NOTHING))
            return
        try:
            self.take(self.upload)
        except (TypeError, ValueError) as error:  # a callback has no cell to print to
            kept = _("The lesson keeps the picture below.")
            self._refuse(f"{html.escape(str(error))} {kept}")

    def _refuse(self, why: str) -> None:
        refused = _("Not taken.")
        self.notes.value = f"<p role='alert'><b>{refused}</b> {why}</p>"

    def __repr__(self) -> str:
        return f"OwnPicture({self.picture.shape[1]} × {self.picture.shape[2]} pixels)"


def _at_most(longest: int, picture: Tensor, notes: list[str]) -> Tensor:
    """The picture, made smaller without stretching when a side is longer; a note says so."""
    height, width = picture.shape[1:]
    scale = longest / max(height, width)
    if scale >= 1:
        return picture
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    notes.append(
        _(
            "made smaller, from {height} × {width} to {rows} × {columns} pixels.",
            height=height,
            width=width,
            rows=size[0],
            columns=size[1],
        )
    )
    return F.interpolate(picture[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)

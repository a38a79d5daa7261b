"""The page: the shipped models, what they are called, and what is shown first.

In a notebook it stands in a frame of its own and needs no kernel; as a file it opens from disk with the network off.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from vlmteach.experiments.matrix import MatrixResults, load_results, load_vlm
from vlmteach.inpage.export import pack_model
from vlmteach.inpage.words import course_words
from vlmteach.language import N_, _
from vlmteach.nn import ConvNet, CrossAttention, MultiHeadAttention, VisionLanguageModel, VisionTransformer
from vlmteach.pictures import GREY, Scene, draw_scene
from vlmteach.pictures.scenes.sampling import FAR, NEAR
from vlmteach.probes import probe_answer
from vlmteach.views.html import still_html
from vlmteach.views.page import in_frame, make_page
from vlmteach.views.style import CNN_HUE, HEAT, VIT_HUE
from vlmteach.views.vlm import draw_answer

MODELS = ("cnn-large/cross-attention", "vit/cross-attention", "cnn-small/vector")
PARTS = ("board", "question", "models", "answer", "layers", "attention", "hiding", "numbers")
TITLE = N_("Ask a tiny vision-language model")
SCENE = Scene.parse("red square at row 2, column 2; blue circle at row 5, column 5; yellow triangle at row 5, column 2")
QUESTION = "what shape is red ?"
# What each family of questions asks, and one of them.
FAMILIES = {
    "attribute": (N_("what shape or what colour a thing has"), "what shape is red ?"),
    "count": (N_("how many things have a shape"), "how many square ?"),
    "where": (N_("in which row or column a thing is"), "which row is red ?"),
    "near relation": (
        N_("which of two things is further left, or higher, when they are at most {near} cells apart", near=NEAR),
        "is red left of blue ?",
    ),
    "far relation": (N_("the same where all things are {far} rows or columns apart", far=FAR), "is red above blue ?"),
    "same far": (
        N_("whether two things {far} rows or columns apart have one shape", far=FAR),
        "is red shaped like blue ?",
    ),
}
# What the record calls the parts of the shipped models.
_TITLES = (N_("CNN, field 3 cells"), N_("CNN, field 7 cells"), N_("ViT"), N_("cross-attention"), N_("mean vector"))
_FRAME_HEIGHT = 1200  # pixels until the page has told its frame its own height


class AskPage:
    """Place shapes, ask, and look inside the model that answers: end a notebook cell with it, or write to_html().

    models: names of shipped models, "encoder/connector". scene, question: what is asked first. only: some of PARTS, to
    show no others; "ask" stands for board, question and answer. The guided tour comes with a page of all models.
    Raises ValueError for a name that is none of these.
    """

    def __init__(
        self,
        models: Sequence[str] = MODELS,
        scene: Scene = SCENE,
        question: str = QUESTION,
        only: Sequence[str] = (),
    ) -> None:
        for kind, given, known in (("model", models, MODELS), ("part", only, ("ask", *PARTS))):
            unknown = [name for name in given if name not in known]
            if unknown or isinstance(given, str):
                raise ValueError(f"there is no {kind} {unknown or given!r}; expected a list of {', '.join(known)}.")
        if not models:
            raise ValueError(f"the page has no model; expected at least one of {', '.join(MODELS)}.")
        self.models, self.scene, self.question, self.only = tuple(models), scene, question, tuple(only)

    def to_html(self) -> str:
        """The whole page as one HTML document that opens from disk with the network off."""
        return make_page("ask", "inpage/ask", _(TITLE), self._data())

    def _data(self) -> dict[str, Any]:
        trained, recorded = {name: _load(name) for name in self.models}, load_results()
        count = max(sum(tensor.numel() for tensor in model.parameters()) for model in trained.values())
        first, shades = self.scene.things[0], matplotlib.colormaps[HEAT](np.arange(256), bytes=True)
        return {
            "title": _(TITLE),
            "lead": _(
                "All it knows it learned from coloured shapes, with {count:,} parameters. It runs in this page: no "
                "server, no network. Move the shapes, ask, and look inside.",
                count=round(count, -4),
            ),
            "download": _(
                "The models are tiny and know nothing but these boards. How they were trained, and what they teach, is "
                "in the lessons of vlmteach. Save this page to keep it: it is one file."
            ),
            "course": course_words(),
            "colours": base64.b64encode(shades[:, :3].tobytes()).decode("ascii"),
            "models": {
                name: {**_describe(name, model, recorded), **pack_model(model)} for name, model in trained.items()
            },
            "parts": PARTS,
            "tour": read_tour() if set(MODELS) <= set(self.models) else [],
            "start": {
                "eye": self.models[0],
                "scene": [asdict(thing) for thing in self.scene.things],
                "ask": self.question,
                "hide": None,
                "cell": {"row": first.row, "column": first.column},
                "layer": "",
                "tensor": "",
                "step": None,
                "only": list(self.only),
            },
        }

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        frame = in_frame(self.to_html(), _(TITLE), _FRAME_HEIGHT, still_html(self._as_it_opens()))
        return {"text/html": frame, "text/plain": repr(self)}

    def _as_it_opens(self) -> Figure:
        image, cells = draw_scene(self.scene), self.scene.cells
        probed = probe_answer(_load(self.models[0]), image, self.question, (cells, cells), GREY / 255)
        picture, drop = image.permute(1, 2, 0).numpy(), probed.drop.numpy()
        return draw_answer(picture, probed.words, probed.probabilities, drop)

    def __repr__(self) -> str:
        return f"AskPage({', '.join(self.models)}: {self.question!r})"


def read_tour() -> list[dict[str, Any]]:
    """The guided tour: title, hash (the state it drives the page to), look (a part), say, and what to predict first."""
    return json.loads((resources.files("vlmteach.inpage") / "tour.json").read_text(encoding="utf-8"))


def _load(name: str) -> VisionLanguageModel:
    encoder, connector = name.split("/")
    return load_vlm(encoder, connector)


def _describe(name: str, model: VisionLanguageModel, recorded: MatrixResults) -> dict[str, Any]:
    encoder, connector = name.split("/")
    seen = {
        "cnn-large": _("A cell of this CNN sees three cells on each side; "),
        "cnn-small": _("A cell of this CNN sees its eight neighbours; "),
        "vit": _("Every patch of this ViT looks at all patches; "),
    }
    meet = {
        "cross-attention": _("each word may look at every cell."),
        "vector": _("all cells are averaged to one vector, without their places."),
    }
    return {
        "encoder": _(recorded.encoder_title(encoder)),
        "connector": _(recorded.connector_title(connector)),
        "explains": seen[encoder] + meet[connector],
        "hue": VIT_HUE if encoder == "vit" else CNN_HUE,
        "exam": _exam(recorded, encoder, connector),
        "stages": list(_stages(model)),
        "attention": list(_attention(model)),
    }


def _exam(recorded: MatrixResults, encoder: str, connector: str) -> list[dict[str, Any]]:
    """The recorded accuracy in each family of questions on boards never seen, the mean over the seeds."""
    positions = recorded.record["checkpoints"][f"{encoder}/{connector}"]["positions"]
    accuracy = recorded.accuracy(encoder, connector, positions).mean(axis=0)
    return [
        {
            "family": family,
            "accuracy": float(share),
            "guess": float(guess),
            "asks": _(FAMILIES[family][0]),
            "example": FAMILIES[family][1],
        }
        for family, share, guess in zip(recorded.families, accuracy, recorded.guessing, strict=True)
    ]


def _stages(model: VisionLanguageModel) -> Iterator[dict[str, str]]:
    """The modules whose outputs are shown from left to right, and what their rows stand for."""
    encoder = model.encoder.get_submodule("1")
    if isinstance(encoder, ConvNet):
        for number in range(len(encoder.features)):
            title = _("Block {number}", number=number) if number else _("Cells cut")
            yield {"name": f"encoder.1.features.{number}", "title": title, "of": "cells"}
    else:
        assert isinstance(encoder, VisionTransformer)
        yield {"name": "encoder.1.patch_embed", "title": _("Patches cut"), "of": "cells"}
        for number in range(len(encoder.blocks)):
            yield {"name": f"encoder.1.blocks.{number}", "title": _("Block {number}", number=number + 1), "of": "cells"}
    asks = any(isinstance(module, CrossAttention) for module in model.connector.modules())
    if asks:
        yield {"name": "connector.meeting", "title": _("Words ask"), "of": "words"}
    else:
        yield {"name": "connector.translator", "title": _("One mean"), "of": "vector"}
    for number in range(len(model.language_model.blocks)):
        name = f"language_model.blocks.{number}"
        yield {"name": name, "title": _("Language {number}", number=number + 1), "of": "words" if asks else "vectors"}


def _attention(model: VisionLanguageModel) -> Iterator[dict[str, str]]:
    """The layers that attend, in the order in which they do, and who looks at what."""
    for name, module in model.named_modules():
        number = int(name.split(".")[-2]) + 1 if _is_in_block(name) else 0
        if isinstance(module, CrossAttention):
            yield {"name": name, "kind": "ask", "title": _("Words look at the picture (connector)")}
        elif isinstance(module, MultiHeadAttention) and name.startswith("encoder."):
            yield {
                "name": name,
                "kind": "cells",
                "title": _("Patches look at patches (encoder, block {number})", number=number),
            }
        elif isinstance(module, MultiHeadAttention):
            yield {
                "name": name,
                "kind": "words",
                "title": _("Words look back (language model, block {number})", number=number),
            }


def _is_in_block(name: str) -> bool:
    return ".blocks." in name and name.split(".")[-2].isdigit()

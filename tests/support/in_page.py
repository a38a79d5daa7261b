"""The model of the page on its own in Chromium: asked as a test asks it, beside torch asked the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from playwright.sync_api import Browser, Page

from vlmteach.experiments.matrix import load_vlm
from vlmteach.inpage import as_in_page, pack_model
from vlmteach.inpage.words import course_words
from vlmteach.nn import VisionLanguageModel
from vlmteach.pictures import Scene, draw_scene, far_scenes, make_batch, near_scenes
from vlmteach.pictures.scenes.sampling import joined
from vlmteach.probes import attention_maps
from vlmteach.views.page import one_script

MODELS = ("cnn-large/cross-attention", "vit/cross-attention", "cnn-small/vector")
SEED = 2_000_000  # of pictures that no recorded run has seen

# Ask every model every question; all numbers come back in one run of bytes for each kind.
ASK = """([asked, whole]) => {
  const letters = (arrays) => {
    const bytes = new Uint8Array(arrays.reduce((sum, { length }) => sum + 4 * length, 0));
    let next = 0;
    for (const values of arrays) {
      bytes.set(new Uint8Array(values.buffer, values.byteOffset, 4 * values.length), next);
      next += 4 * values.length;
    }
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(text);
  };
  const { course, models, drawScene, asImage, run } = window.alone;
  return Object.fromEntries(Object.entries(models).map(([name, model]) => {
    const found = asked.map(({ things, words }) => run(model, asImage(course, drawScene(course, things)), words));
    const flat = (key) => found.flatMap((one) => [...one[key].values()].map(({ values }) => values));
    const kinds = { scores: found.map(({ scores }) => scores.values), attention: flat("attention") };
    if (whole) kinds.outputs = flat("outputs");
    const names = { attention: [...found[0].attention.keys()], outputs: [...found[0].outputs.keys()] };
    return [name, { names, ...Object.fromEntries(Object.entries(kinds).map(([k, v]) => [k, letters(v)])) }];
  }));
}"""


class Question(NamedTuple):
    """A scene, and a question to it as word numbers without padding."""

    scene: Scene
    words: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        return {"things": [asdict(thing) for thing in self.scene.things], "words": self.words}


@cache
def questions(count: int = 512) -> list[Question]:
    """Questions of a batch that nobody trained on, eight to each scene."""
    pictures = 64
    batch = make_batch(pictures, SEED)
    near, _ = near_scenes(pictures // 4, SEED)
    far = far_scenes(pictures // 4, SEED)
    scenes = joined(near, near.swapped(), far, far.swapped())
    every = [
        Question(Scene.from_batch(scenes, picture), tuple(word for word in words if word))
        for picture in range(pictures)
        for words in batch.words[picture].tolist()
    ]
    return every[:: len(every) // count]


@cache
def shipped(name: str) -> VisionLanguageModel:
    return load_vlm(*name.split("/"))


def open_model(chromium: Browser, packed: dict[str, Any]) -> Page:
    """A page with nothing but the model: window.alone."""
    page = chromium.new_page()
    page.context.set_offline(True)
    data = json.dumps({"course": course_words(), "models": packed})
    page.set_content(
        f"""<script type="application/json" id="texts">{{}}</script>
        <script type="application/json" id="data">{data}</script>"""
    )
    load_model(page)
    return page


def load_model(page: Page, faults: dict[str, str] | None = None) -> None:
    """Make window.alone of the page's data anew. faults: text of the script -> what stands there instead."""
    script = "".join(one_script(f"inpage/{name}.js") for name in ("weights", "model", "trained"))
    for old, new in (faults or {}).items():
        assert script.count(old) == 1, f"{old!r} stands there {script.count(old)} times"
        script = script.replace(old, new)
    page.evaluate("delete window.alone")
    page.add_script_tag(
        type="module",
        content=f"""{script}
        const {{ course, models }} = JSON.parse(document.getElementById("data").textContent);
        for (const [name, {{ module, tensors }}] of Object.entries(models)) {{
          models[name] = build(module, await unpackTensors(tensors));
        }}
        const scenes = {{ drawScene, hideCell, asImage, answerTo, newInQuestion }};
        window.alone = {{ course, models, run, erf, boxPositions, ...scenes }};""",
    )
    page.wait_for_function("window.alone")


def ask_page(page: Page, asked: Sequence[Question], *, whole: bool = False) -> dict[str, dict[str, Any]]:
    """What the page's models say: {model: {names, scores, attention, outputs}}, numbers as one flat array each."""
    said = page.evaluate(ASK, [[question.as_json() for question in asked], whole])
    for found in said.values():
        for kind in set(found) - {"names"}:
            found[kind] = np.frombuffer(base64.b64decode(found[kind]), dtype="<f4")
    return said


def ask_torch(model: VisionLanguageModel, asked: Sequence[Question], *, whole: bool = False) -> dict[str, Any]:
    """The same of torch: questions of one length together, then in the order in which they were asked."""
    found: list[Any] = [None] * len(asked)
    names: dict[str, list[str]] = {}
    for length in sorted({len(question.words) for question in asked}):
        places = [i for i, question in enumerate(asked) if len(question.words) == length]
        pictures = torch.stack([draw_scene(asked[i].scene) for i in places])
        words = torch.tensor([asked[i].words for i in places])[:, None]
        maps = attention_maps(model, pictures, words)
        outputs = _outputs(model, pictures, words)
        scores = outputs[""][:, 0]
        names = {"attention": list(maps.names), "outputs": list(outputs)}
        for at, place in enumerate(places):
            found[place] = (
                scores[at].flatten(),
                [weights[at].flatten() for weights in maps.weights],
                [tensor[at].flatten() for tensor in outputs.values()] if whole else [],
            )
    scores, attention, outputs = zip(*found, strict=True)
    flat = {"scores": scores, "attention": chain.from_iterable(attention), "outputs": chain.from_iterable(outputs)}
    joined_up = {kind: list(parts) for kind, parts in flat.items()}
    return {"names": names, **{kind: torch.cat(parts).numpy() for kind, parts in joined_up.items() if parts}}


@torch.inference_mode()
def _outputs(model: VisionLanguageModel, pictures: torch.Tensor, words: torch.Tensor) -> dict[str, torch.Tensor]:
    """What every module returned, under its name, in the order in which they finished."""
    kept: dict[str, torch.Tensor] = {}

    def keep(name):
        def hook(_module, _inputs, output):
            kept[name] = getattr(output, "tokens", output)

        return hook

    hooks = [module.register_forward_hook(keep(name)) for name, module in model.named_modules()]
    model(pictures, words)
    for hook in hooks:
        hook.remove()
    return kept


@cache
def packed_models(names: tuple[str, ...] = MODELS) -> dict[str, Any]:
    return {name: pack_model(shipped(name)) for name in names}


@cache
def page_models(names: tuple[str, ...] = MODELS) -> dict[str, VisionLanguageModel]:
    return {name: as_in_page(shipped(name)) for name in names}

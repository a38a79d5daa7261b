"""Every number and every answer that the guided tour tells, computed by torch."""

import re
from urllib.parse import parse_qsl

import pytest
import torch
from support.in_page import page_models, shipped

from vlmteach.experiments.matrix import HELD_OUT
from vlmteach.inpage.page import MODELS, PARTS, read_tour
from vlmteach.pictures import COLOURS, GREY, SHAPES, Scene, Thing, answer_to, draw_scene
from vlmteach.probes import attention_maps

TOUR = read_tour()
NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Step:
    """A step's state, read from its hash, asked of one version of its model."""

    def __init__(self, step, model):
        given = dict(parse_qsl(step["hash"].lstrip("#")))
        things = [part.split("-") for part in given["scene"].split(",")]
        self.scene = Scene(tuple(Thing(shape, colour, int(row), int(column)) for colour, shape, row, column in things))
        self.question = f"{given['ask'].replace('-', ' ')} ?"
        self.hide = tuple(map(int, given["hide"].split("-"))) if "hide" in given else None
        self.model = model
        self.words = model.language_model.tokenizer.encode(self.question)
        self.image = draw_scene(self.scene)

    def hidden(self, cell):
        image = self.image.clone()
        rows, columns = (slice(8 * place - 8, 8 * place) for place in cell)
        image[:, rows, columns] = GREY / 255
        return image

    def output(self, layer, image):
        kept = []
        module = self.model.get_submodule(layer)
        hook = module.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
        self.model.answer(image, self.question)
        hook.remove()
        return kept[0]

    def changed(self, layer):
        """How many places of a layer differ from the same look with the cell hidden, or from an empty board."""
        other = self.hidden(self.hide) if self.hide else torch.full_like(self.image, GREY / 255)
        difference = (self.output(layer, self.image) - self.output(layer, other)).abs()
        return int((difference.flatten(2).amax(1) if difference.ndim == 4 else difference.amax(2)).gt(1e-5).sum())

    def likelihood(self, word):
        found = self.model.answer(self.image, self.question)
        return found[word] if word else next(iter(found.values()))

    def attention(self, claim):
        weights = attention_maps(self.model, self.image[None], self.words[None, None])[claim["layer"]]
        place = lambda row, column: 6 * (row - 1) + column - 1  # noqa: E731
        looks = self.question.split().index(claim["word"]) if "word" in claim else place(*claim["asks"])
        return float(weights[0, claim["head"] - 1, looks, place(*claim["cell"])])

    def told(self, claim):
        """What torch says in the place of a claim's text."""
        match claim["kind"]:
            case "answer":
                return next(iter(self.model.answer(self.image, self.question)))
            case "hidden answer":
                return next(iter(self.model.answer(self.hidden(self.hide), self.question)))
            case "right":
                return answer_to(self.scene, self.question)
            case "likelihood":
                return f"{self.likelihood(claim['word']):.2f}"
            case "drop":
                first = self.told({"kind": "answer"})
                hidden = self.model.answer(self.hidden(claim["cell"]), self.question)[first]
                return f"{self.likelihood(first) - hidden:.2f}"
            case "attention":
                return f"{self.attention(claim):.2f}"
            case "changed":
                return str(self.changed(claim["layer"]))
            case "cells":
                return str(self.scene.cells**2)
            case "even share":
                return f"{1 / self.scene.cells**2:.2f}"
            case "width":
                return str(self.output("encoder.1", self.image).tokens.shape[-1])
            case "held out":
                pairs = [f"{COLOURS[c]} {SHAPES[s]}" for s in range(4) for c in range(6) if HELD_OUT[s, c]]
                return claim["text"] if claim["text"] in pairs else f"not one of {pairs}"
            case "head" | "block":  # a name, not a measurement
                return claim["text"]
        raise AssertionError(f"no such claim: {claim}")


def eye(step):
    return dict(parse_qsl(step["hash"].lstrip("#")))["eye"]


@pytest.mark.parametrize("weights", ["as in the page", "as recorded"])
@pytest.mark.parametrize("step", TOUR, ids=lambda step: step["title"])
def test_what_a_step_says_is_what_torch_says(step, weights):
    name = eye(step)
    asked = Step(step, page_models((name,))[name] if weights == "as in the page" else shipped(name))
    assert [asked.told(claim) for claim in step["claims"]] == [claim["text"] for claim in step["claims"]]


@pytest.mark.parametrize("step", TOUR, ids=lambda step: step["title"])
def test_every_number_of_a_step_is_a_claim_in_its_place(step):
    numbers = [claim["text"] for claim in step["claims"] if NUMBER.fullmatch(claim["text"])]
    assert NUMBER.findall(step["say"]) == numbers
    for claim in step["claims"]:
        said = step["say"] + (step["predict"]["ask"] if claim["kind"] == "held out" else "")
        assert claim["text"] in said


@pytest.mark.parametrize("step", TOUR, ids=lambda step: step["title"])
def test_a_step_names_a_shipped_model_a_part_of_the_page_and_a_choice_that_is_right(step):
    assert eye(step) in MODELS
    assert step["look"] in PARTS
    if "predict" in step:
        assert step["predict"]["right"] in step["predict"]["choices"]
        assert len(set(step["predict"]["choices"])) >= 2


def test_the_tour_goes_from_a_token_to_a_confident_mistake():
    assert 10 <= len(TOUR) <= 14
    assert "token" in TOUR[0]["title"]
    last = Step(TOUR[-1], shipped(eye(TOUR[-1])))
    assert last.told({"kind": "answer"}) != last.told({"kind": "right"})
    assert last.likelihood(None) > 0.99

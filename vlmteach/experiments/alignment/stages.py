"""Two networks that never met, the projector between them, and the data of both stages.

The encoder is a ViT and stays frozen; the language model, with the layer by which its words read tokens, was trained
behind a CNN. Between them stands a new projector. Stage 1 trains the projector alone; stage 2 more of the model, on
questions of a new kind as well. Source of the recipe: arXiv 2304.08485, section 4.2.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import cycle, islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlmteach.experiments.intervals import NORMAL
from vlmteach.experiments.matrix.results import load_vlm
from vlmteach.experiments.matrix.train import HELD_OUT, answer_scores
from vlmteach.nn import (
    AddPositions,
    Connect,
    NormTokens,
    Projector,
    VisionLanguageModel,
    VisualTokens,
    WordTokenizer,
    on_grid,
)
from vlmteach.pictures.look import COLOURS
from vlmteach.pictures.scenes.batches import SceneBatch, make_batch
from vlmteach.pictures.scenes.drawing import draw_scenes
from vlmteach.pictures.scenes.questions import LENGTH, NO, VOCABULARY
from vlmteach.pictures.scenes.sampling import CELLS, far_scenes
from vlmteach.training import one_thread

ENCODER, SPEAKER, CONNECTOR = "vit", "cnn-large", "cross-attention"
DIM = 64
ABOUT_ONE = ("what shape is {} ?", "which row is {} ?", "which column is {} ?")


class Seen(nn.Module):
    """Stands where the frozen encoder stands, and takes its tokens in place of pictures: they never change."""

    def forward(self, tokens: Tensor) -> VisualTokens:
        """(B, 36, 64) -> visual tokens."""
        return on_grid(tokens, CELLS, CELLS)


class Strangers(VisionLanguageModel):
    """A projector drawn at random between a frozen encoder's tokens and a language model that knows another encoder.

    `projector` is new; `meeting` (cross-attention) and `language_model` are trained. All of it is frozen at first.
    """

    projector: nn.Module
    meeting: nn.Module

    def __init__(self, seed: int = 0) -> None:
        speaker = load_vlm(SPEAKER, CONNECTOR)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            projector = nn.Sequential(NormTokens(DIM), Projector(DIM, DIM, depth=2), NormTokens(DIM), AddPositions())
        meeting = speaker.connector.get_submodule("meeting")
        super().__init__(Seen(), Connect(projector, meeting), speaker.language_model)
        self.projector, self.meeting = projector, meeting
        self.requires_grad_(False)


def usual_questions(count: int, seed: int) -> SceneBatch:
    """Scenes with the questions that the language model knows, as the ViT sees them. count: a multiple of 4."""
    return _seen(make_batch(count, seed, pairs=~HELD_OUT))


def absent_questions(count: int, seed: int) -> SceneBatch:
    """Scenes with eight questions each about a colour that no thing in them has; the answer is always "no"."""
    scenes = far_scenes(count, seed, pairs=~HELD_OUT)
    tokenizer = WordTokenizer(VOCABULARY)
    asked = [_about_absent(present.tolist(), first) for first, present in enumerate(scenes.colour)]
    words = [[tokenizer.encode(text) for text in texts] for texts in asked]
    padded = torch.stack([torch.stack([F.pad(one, (0, LENGTH - len(one))) for one in some]) for some in words])
    answers = torch.full(padded.shape[:2], VOCABULARY.index(NO))
    return _seen(SceneBatch(draw_scenes(scenes), padded, answers, torch.zeros_like(answers)))


def train_some(
    model: nn.Module, parts: Sequence[SceneBatch], steps: int, rate: float, seed: int = 0, pictures: int = 32
) -> list[float]:
    """Train what may learn of a model, each step on `pictures` of the parts in equal shares; returns the losses."""
    chosen = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(chosen, rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.1)
    generator = torch.Generator().manual_seed(seed)
    losses = []
    model.train()
    with one_thread():
        for _ in range(steps):
            drawn = [_some(part, pictures // len(parts), generator) for part in parts]
            batch = SceneBatch(*(torch.cat(each) for each in zip(*drawn, strict=True)))
            loss = F.cross_entropy(answer_scores(model, batch).flatten(0, 1), batch.answers.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    model.eval()
    return losses


def with_interval(right: Tensor) -> tuple[float, float]:
    """The share of right answers and half of its 95 % interval, from (pictures, questions).

    Questions about one picture are not independent, so the interval is over pictures.
    """
    each = right.double().mean(dim=1)
    return each.mean().item(), NORMAL * each.std().item() / len(each) ** 0.5


def learns(model: nn.Module) -> int:
    """How many parameters may learn."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def copied(model: Strangers, change: Callable[[Strangers], object]) -> Strangers:
    """A copy that a change has been made to."""
    other = copy.deepcopy(model)
    change(other)
    return other


def _about_absent(present: list[int], first: int) -> list[str]:
    absent = [colour for number, colour in enumerate(COLOURS) if number not in present]
    colours = islice(cycle(absent), first % len(absent), None)
    return [ABOUT_ONE[number % len(ABOUT_ONE)].format(next(colours)) for number in range(8)]


def _some(part: SceneBatch, count: int, generator: torch.Generator) -> SceneBatch:
    chosen = torch.randint(len(part.pictures), (count,), generator=generator)
    return SceneBatch(*(each[chosen] for each in part))


@torch.no_grad()
def _seen(scenes: SceneBatch) -> SceneBatch:
    encoder = load_vlm(ENCODER, CONNECTOR).encoder.eval()
    return scenes._replace(pictures=torch.cat([encoder(some).tokens for some in scenes.pictures.split(64)]))

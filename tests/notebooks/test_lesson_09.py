"""Lesson 09 where trained weights are asked for and cannot be had: one sentence, and the lesson goes on."""

from __future__ import annotations

from pathlib import Path

import build_lessons
import pytest
from support.lesson_run import kernel

from vlmteach.course import get_lesson

ROOT = Path(__file__).resolve().parents[2]
SIX = ("resnet50", "convnext_tiny", "clip_resnet50", "vit_small", "dinov2_small", "clip_vit")
SWITCH = 'weights = "untrained"'


def test_without_the_weights_one_sentence_says_what_is_missing_and_the_lesson_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    sources = [cell.source for cell in build_lessons.read_source(get_lesson(9)).cells if cell.cell_type == "code"]
    switch = next(i for i, source in enumerate(sources) if source.startswith(SWITCH))
    with kernel(tmp_path, ROOT) as run:
        run.run(sources[0])
        run.run(sources[switch].replace("untrained", "pretrained", 1))
        said = run.run(sources[switch + 1])
        assert said.count("are missing") == 1
        assert "timm/resnet50.tv_in1k (about 102.4 MB)" in said
        assert "run this once with a network" in said
        assert run.run("print(weights)").strip() == "untrained"
        assert "the weights in use now are untrained" in run.run(sources[switch + 2])
        assert run.run("print(sorted(encoders) == sorted(SIX))").strip() == "True"


def test_the_switch_names_the_megabytes_of_all_six() -> None:
    import timm
    import torch

    from vlmteach.backbones import PRETRAINED_ENCODERS

    with torch.device("meta"):
        models = [
            timm.create_model(PRETRAINED_ENCODERS[name].network, **PRETRAINED_ENCODERS[name].options) for name in SIX
        ]
    size = sum(tensor.nbytes for model in models for tensor in model.state_dict().values())
    source = "\n".join(cell.source for cell in build_lessons.read_source(get_lesson(9)).cells)
    assert f"{size / 1e6:.0f} MB for all six" in source

"""Record data hunger: three encoders, one connector and language model, on fixed sets of pictures of several sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vlmteach.experiments.grading import TEST_SEED
from vlmteach.experiments.hunger import run as making
from vlmteach.experiments.hunger.results import HungerResults
from vlmteach.experiments.hunger.run import CONNECTOR, FIRST, Case, fixed_pictures, run_case
from vlmteach.experiments.matrix.models import MATRIX_ENCODERS, build_vlm
from vlmteach.experiments.matrix.train import BATCH, HELD_OUT, RECIPE, TESTED, AnswerLoss
from vlmteach.experiments.recording import RESULTS, versions, write_results
from vlmteach.experiments.restamp import Experiment
from vlmteach.experiments.runs import RunFolder
from vlmteach.pictures.scenes.batches import QUESTION_FAMILIES, make_batch
from vlmteach.pictures.scenes.guessing import guess_rate
from vlmteach.training import Recipe

SIZES = (256, 1024, 4096, 16384)  # pictures in the set, with eight questions each
SHORT = replace(RECIPE, steps=600)  # as many steps for every size: a small set is seen more often
COMPARED = ("cnn-large", "conv-stem-vit", "vit")


def case_of(run: dict[str, Any], record: dict[str, Any]) -> Case:
    """The case of a recorded run."""
    recipe = Recipe(**{**record["recipe"], "learning_rate": run["learning_rate"]})
    return Case(run["encoder"], run["pictures"], run["seed"], recipe)


EXPERIMENT = Experiment(
    "hunger",
    making.__name__,
    case_of,
    run_case,
    begin=lambda case: (
        build_vlm(case.encoder, CONNECTOR, True, case.seed),
        fixed_pictures(case.seed, case.pictures),
        AnswerLoss(),
    ),
    first=FIRST,
    kind=lambda run: run["encoder"],
    final=lambda run, record: run["accuracy"],
    tolerance=0.05,
)


def all_cases(rates: Mapping[str, float]) -> list[Case]:
    """Every encoder with every size of the set. rates: the learning rate of each encoder, as the matrix chose it."""
    return [
        Case(name, pictures, 0, replace(SHORT, learning_rate=rates[name])) for pictures in SIZES for name in COMPARED
    ]


def record(folder: Path, rates: Mapping[str, float], workers: int = 1) -> HungerResults:
    """Make every run that is not in the folder yet, then write the record. Ctrl-C loses at most the runs at work."""
    runs = RunFolder(folder, making.__name__)
    made = runs.make(run_case, all_cases(rates), workers)
    content = {
        "experiment": "hunger",
        "recipe": asdict(SHORT),
        "batch": BATCH,
        "tested": TESTED,
        "connector": CONNECTOR,
        "families": list(QUESTION_FAMILIES),
        "guessing": guess_rate(make_batch(SIZES[-1], TEST_SEED + 2, pairs=~HELD_OUT)),
        "versions": versions(),
        "code": runs.code,
        "stamps": runs.stamps,
        "encoders": {name: MATRIX_ENCODERS[name].title for name in COMPARED},
        "runs": made,
    }
    write_results("hunger", content, RESULTS)
    return HungerResults(content)

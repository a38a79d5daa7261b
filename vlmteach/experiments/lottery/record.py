"""Record the ladder lottery."""

from __future__ import annotations

from vlmteach.experiments.games.record import Plan
from vlmteach.experiments.lottery import run as making
from vlmteach.experiments.lottery.readers import READERS
from vlmteach.experiments.lottery.run import GAME, run_case
from vlmteach.training import Recipe

PLAN = Plan(
    "lottery",
    making.__name__,
    GAME,
    run_case,
    {name: reader.title for name, reader in READERS.items()},
    Recipe(steps=1200, warmup=100),
    pilot=240,
    batch=64,
)
EXPERIMENT = PLAN.experiment()

"""Record windowed attention in the cliff's game."""

from __future__ import annotations

from vlmteach.experiments.games.record import Plan
from vlmteach.experiments.windows import run as making
from vlmteach.experiments.windows.encoders import WINDOWED_ENCODERS
from vlmteach.experiments.windows.run import GAME, run_case
from vlmteach.training import Recipe

PLAN = Plan(
    "windows",
    making.__name__,
    GAME,
    run_case,
    {name: encoder.title for name, encoder in WINDOWED_ENCODERS.items()},
    Recipe(steps=400),
    pilot=120,
    batch=64,
)
EXPERIMENT = PLAN.experiment()

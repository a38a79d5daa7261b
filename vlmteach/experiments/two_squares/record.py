"""Record the game with two squares."""

from __future__ import annotations

from vlmteach.experiments.games.record import Plan
from vlmteach.experiments.two_squares import run as making
from vlmteach.experiments.two_squares.encoders import PLAYERS
from vlmteach.experiments.two_squares.run import GAME, run_case
from vlmteach.training import Recipe

PLAN = Plan(
    "two_squares",
    making.__name__,
    GAME,
    run_case,
    {name: player.title for name, player in PLAYERS.items()},
    Recipe(steps=600),
    pilot=200,
    batch=64,
)
EXPERIMENT = PLAN.experiment()

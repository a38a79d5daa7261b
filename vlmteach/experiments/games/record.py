"""Record a game: for each encoder a learning rate, chosen by short runs, then three seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vlmteach.experiments.games.run import FIRST, WINDOW, Case, Game
from vlmteach.experiments.grading import LEVEL
from vlmteach.experiments.recording import RESULTS, versions, write_results
from vlmteach.experiments.restamp import Experiment
from vlmteach.experiments.result import Result
from vlmteach.experiments.runs import RunFolder
from vlmteach.training import Recipe

SEEDS = (0, 1, 2)
PILOT_SEED = 9  # of the short runs, and of no other
RATES = (1e-3, 2e-3, 4e-3)
PILOT_KEYS = ("encoder", "seed", "steps", "learning_rate", "first_loss", "loss", "seconds")


@dataclass(frozen=True)
class Plan:
    """What is recorded.

    name: of the record. module: makes its runs, by run_case. titles: of each encoder that is compared. recipe: its
    learning rate is chosen for each encoder. pilot: steps of a short run. batch: pictures of a step.
    """

    name: str
    module: str
    game: Game
    run_case: Callable[[Case], Result]
    titles: Mapping[str, str]
    recipe: Recipe
    pilot: int
    batch: int

    def pilots(self) -> list[Case]:
        """Short runs: every encoder at every rate."""
        short = replace(self.recipe, steps=self.pilot)
        return [
            Case(name, PILOT_SEED, replace(short, learning_rate=rate), self.batch, tested=False)
            for name in self.titles
            for rate in RATES
        ]

    def cases(self, pilots: Sequence[Mapping[str, Any]]) -> list[Case]:
        """Every encoder with every seed, at its rate. pilots: runs, as recorded."""
        rates = {name: chosen_rate([run for run in pilots if run["encoder"] == name]) for name in self.titles}
        return [
            Case(name, seed, replace(self.recipe, learning_rate=rates[name]), self.batch)
            for seed in SEEDS
            for name in self.titles
        ]

    def record(self, folder: Path, workers: int = 1, results: Path = RESULTS) -> dict[str, Any]:
        """Make every run that is not in the folder yet, then write the record. Ctrl-C loses at most the run at work."""
        runs = RunFolder(folder, self.module)
        pilots = runs.make(self.run_case, self.pilots(), workers)
        made = runs.make(self.run_case, self.cases(pilots), workers)
        record = {
            "experiment": self.name,
            **self.known(),
            "window": WINDOW,
            "level": LEVEL,
            "rates": list(RATES),
            "versions": versions(),
            "code": runs.code,
            "stamps": runs.stamps,
            "encoders": {name: self._describe(name) for name in self.titles},
            "pilots": [{key: run[key] for key in PILOT_KEYS} for run in pilots],
            "runs": made,
        }
        write_results(self.name, record, results)
        return record

    def known(self) -> dict[str, Any]:
        """What the cases of runs need beside them, as it stands in the record."""
        return {"recipe": asdict(self.recipe), "batch": self.batch, "asked": self.game.asked().tolist()}

    def experiment(self) -> Experiment[Case]:
        """What has to be known to make a recorded run of it again."""
        return Experiment(
            self.name,
            self.module,
            case_of,
            self.run_case,
            begin=self.game.start,
            first=FIRST,
            kind=lambda run: run["encoder"],
            final=lambda run, record: [sum(run.get("right", [])) / sum(record["asked"])],  # 0 for a pilot: no test
            tolerance=0.02,
        )

    def _describe(self, name: str) -> dict[str, Any]:
        model = self.game.build(name, 0)
        return {"title": self.titles[name], "parameters": sum(weight.numel() for weight in model.parameters())}


def chosen_rate(pilots: Sequence[Mapping[str, Any]]) -> float:
    """The learning rate with the lowest loss at the end of its pilot. pilots: runs of one encoder, as recorded."""
    return min(pilots, key=lambda run: run["loss"][-1])["learning_rate"]


def case_of(run: Mapping[str, Any], record: Mapping[str, Any]) -> Case:
    """The case of a recorded run."""
    recipe = replace(Recipe(**record["recipe"]), steps=run["steps"], learning_rate=run["learning_rate"])
    return Case(run["encoder"], run["seed"], recipe, record["batch"])

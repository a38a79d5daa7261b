"""The recorded cliff, as lessons read it, and the trained models that came out of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from vlmteach.experiments.cliff.encoders import build_cliff_model
from vlmteach.experiments.cliff.field import INSIDE, OUTSIDE, Field, where
from vlmteach.experiments.recording import CHECKPOINTS, RESULTS, load_shipped, read_results, steps_to_level
from vlmteach.pictures.cliff import LONGEST
from vlmteach.training import load_weights

_STEPS = np.abs(np.arange(-LONGEST, LONGEST + 1))
DISTANCE = np.maximum(_STEPS[:, None], _STEPS[None, :])  # of every offset, [dy + 7, dx + 7]


@dataclass(frozen=True)
class CliffResults:
    """What was recorded, all seeds of an encoder together unless a shape says otherwise.

    record: the JSON file's content: recipe, versions, code, and `runs`, one for each encoder and seed.
    """

    record: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """The encoders, in the order of the comparison."""
        return list(self.record["encoders"])

    def title(self, name: str) -> str:
        """An encoder's name in words."""
        return self._encoder(name)["title"]

    def parameters(self, name: str) -> int:
        """How many numbers an encoder with its read-out learns."""
        return self._encoder(name)["parameters"]

    def field(self, name: str) -> Field | None:
        """The exact receptive field around the marker's cell; None when an encoder sees the whole picture."""
        field = self._encoder(name)["field"]
        return None if field is None else Field(*field)

    def pictures_per_offset(self, name: str) -> int:
        """Test pictures at each offset, all seeds together."""
        return self.record["per_offset"] * len(self._runs(name))

    def accuracy_by_offset(self, name: str) -> NDArray[np.float64]:
        """(15, 15), [dy + 7, dx + 7]; NaN in the middle, where the marker itself stands."""
        accuracy = self._right(name).sum(axis=0) / self.pictures_per_offset(name)
        accuracy[DISTANCE == 0] = np.nan
        return accuracy

    def accuracy_by_distance(self, name: str) -> NDArray[np.float64]:
        """(seeds, 7): at distance 1 … 7, every offset of a distance counting the same."""
        right = self._right(name)
        rings = [right[:, distance == DISTANCE].mean(axis=1) for distance in range(1, LONGEST + 1)]
        return np.stack(rings, axis=1) / self.record["per_offset"]

    def steps_to_level(self, name: str) -> NDArray[np.float64]:
        """(seeds, 7): steps until 95 % of a window's new pictures were right; NaN when that never came."""
        return steps_to_level(self._runs(name))

    def learning(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps (windows,), and accuracy on new pictures at distance 1 … 7 (seeds, windows, 7)."""
        accuracy = np.array([run["accuracy"] for run in self._runs(name)])
        return self.record["window"] * np.arange(1, accuracy.shape[1] + 1), accuracy

    def worst(self, name: str) -> tuple[float, float]:
        """The lowest accuracy at an offset wholly inside the field, and the highest wholly outside (NaN: none is).

        For an encoder that sees the whole picture, every offset is inside.
        """
        accuracy, field = self.accuracy_by_offset(name), self.field(name)
        place = np.full(accuracy.shape, INSIDE) if field is None else where(field)
        inside, outside = accuracy[(place == INSIDE) & (DISTANCE > 0)], accuracy[place == OUTSIDE]
        return float(inside.min()), float(outside.max()) if outside.size else float("nan")

    def _encoder(self, name: str) -> dict[str, Any]:
        if name not in self.record["encoders"]:
            raise ValueError(f"no encoder {name!r} was recorded; expected one of {', '.join(self.names)}.")
        return self.record["encoders"][name]

    def _runs(self, name: str) -> list[dict[str, Any]]:
        self._encoder(name)
        return [run for run in self.record["runs"] if run["encoder"] == name]

    def _right(self, name: str) -> NDArray[np.int64]:
        return np.array([run["right"] for run in self._runs(name)])


def load_results(folder: Path = RESULTS) -> CliffResults:
    """The recorded cliff. Raises FileNotFoundError when there is none."""
    return CliffResults(read_results("cliff", folder))


def load_cliff_model(name: str, folder: Path = CHECKPOINTS) -> nn.Module:
    """A trained encoder of the cliff with its read-out, in eval mode, its weights verified against the record.

    Raises ValueError for a name that is not shipped, CheckpointError when the file is not the recorded one.
    """
    checkpoint = load_shipped(load_results().record, name, folder, kind="encoder")
    model = build_cliff_model(name, seed=0)
    load_weights(model, checkpoint.tensors, checkpoint.source)
    return model.eval()

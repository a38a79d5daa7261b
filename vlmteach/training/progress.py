"""How far a run has come: everything it needs to go on, later, as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vlmteach.training.checkpoint import CheckpointError, load_checkpoint, load_weights, save_checkpoint
from vlmteach.training.recipe import Recipe

WINDOW = 10  # steps: "the best so far" is judged by the mean loss of this many, since one batch's loss is noise


@dataclass(frozen=True)
class Progress:
    """A consistent picture of a run between two steps; all tensors are copies.

    losses:    one for each step taken.
    weights:   the model's parameters and buffers now.
    optimizer: AdamW's moments, named "parameter/moment".
    best:      the weights at the end of the window of steps with the lowest mean loss.
    best_loss: that mean, None as long as no window is over.
    """

    losses: list[float]
    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    best_loss: float | None

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return len(self.losses)

    @classmethod
    def start(cls, model: nn.Module) -> Progress:
        """Before the first step: the model as it was given is the best so far."""
        weights = _copy(model.state_dict())
        return cls([], weights, {}, weights, None)

    def advanced(self, model: nn.Module, optimizer: Optimizer, losses: list[float]) -> Progress:
        """The next picture of the run, after the given losses: copies of the model and its optimizer as they stand."""
        weights = _copy(model.state_dict())
        moments = {
            f"{name}/{key}": value.detach().clone()
            for name, parameter in trained_parameters(model)
            for key, value in optimizer.state[parameter].items()
        }
        recent = losses[-WINDOW:]
        loss = sum(recent) / len(recent)
        if self.best_loss is not None and self.best_loss <= loss:
            return Progress(list(losses), weights, moments, self.best, self.best_loss)
        return Progress(list(losses), weights, moments, weights, loss)

    def restore(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Put a model and its optimizer back to where they were."""
        model.load_state_dict(dict(self.weights))
        state: dict[int, dict[str, Tensor]] = {}
        for index, (parameter, _) in enumerate(trained_parameters(model)):
            split = (name.rpartition("/") for name in self.optimizer)
            moments = {moment: self.optimizer[f"{name}/{moment}"] for name, _, moment in split if name == parameter}
            if moments:
                state[index] = _copy(moments)
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})

    def save(self, path: Path, recipe: Recipe) -> None:
        """Write it to a checkpoint, whole or not at all."""
        tensors = {"losses": torch.tensor(self.losses, dtype=torch.float64)}
        for part in _PARTS:
            tensors |= {f"{part}/{name}": tensor for name, tensor in getattr(self, part).items()}
        save_checkpoint(path, tensors, {"recipe": asdict(recipe), "best_loss": self.best_loss})

    @classmethod
    def load(cls, path: Path, recipe: Recipe, model: nn.Module) -> Progress:
        """Read it from a checkpoint of the same recipe and a model of the same shape.

        Raises CheckpointError when the file is damaged, or was made by another recipe or for another model.
        """
        checkpoint = load_checkpoint(path)
        made_by = checkpoint.metadata.get("recipe")
        if made_by != asdict(recipe):
            raise CheckpointError(
                f"{path} was made by the recipe {made_by}; this run has {asdict(recipe)}. "
                "Give this run another file, or delete that one to start anew."
            )
        parts: dict[str, dict[str, Tensor]] = {part: {} for part in _PARTS}
        for name, tensor in checkpoint.tensors.items():
            part, _, rest = name.partition("/")
            if rest:
                parts[part][rest] = tensor
        load_weights(model, parts["weights"], str(path))
        return cls(checkpoint.tensors["losses"].tolist(), best_loss=checkpoint.metadata["best_loss"], **parts)


_PARTS = ("weights", "optimizer", "best")


def trained_parameters(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """The parameters that learn, by name, in the order an optimizer gets them."""
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def _copy(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}

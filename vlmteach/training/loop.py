"""The training loop: any model, any data, any loss; it draws nothing and knows no experiment.

    for step in range(steps):
        data = batch(step)
        loss(model, data).backward()
        optimizer.step()

The rest is what makes that dependable: the same seed gives the same result, a run can be stopped and go on later to
the very same bits, and a stopped run leaves the best model so far.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from vlmteach.training.progress import WINDOW, Progress, trained_parameters
from vlmteach.training.recipe import Recipe


@dataclass(frozen=True)
class Step:
    """What a callback hears after each step: how many were taken, the last loss, the rate, seconds since fit began."""

    step: int
    loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Trained:
    """What fit returns. losses: one for each step taken, those before a resumption included."""

    losses: list[float]
    interrupted: bool
    seconds: float


def fit(
    model: nn.Module,
    batch: Callable[[int], Any],
    loss: Callable[[nn.Module, Any], Tensor],
    recipe: Recipe,
    *,
    until: int | None = None,
    on_step: Callable[[Step], object] | None = None,
    checkpoint: str | Path | None = None,
    save_every: int = 100,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Trained:
    """Train a model in place by AdamW, and leave it in eval mode on the device it came from.

    batch(step) gives the data of a step, counted from 0: tensors, or tuples, lists and dicts of them. It must depend
    on the step alone, for the run to be repeatable. loss(model, data) gives a scalar tensor.
    until: stop after this many steps of the recipe, to go on later. on_step: called after each step.
    checkpoint: a file that is written every save_every steps, when stopped and at the end; if it exists, the run goes
    on from there. save_every: a multiple of 10. device: where to compute; a GPU when there is one.
    progress: whether to show a bar.

    KeyboardInterrupt (Ctrl-C, or the stop button of a notebook) ends the run without an error: the model then has the
    weights of the ten steps with the lowest mean loss, while the checkpoint can still go on from the last ones.
    Raises ValueError for arguments that make no sense or a loss that is no scalar, CheckpointError for a file of
    another run, ArithmeticError when the loss is no longer finite.
    """
    last = recipe.steps if until is None else until
    _check_arguments(model, recipe, last, save_every)
    file = None if checkpoint is None else Path(checkpoint)
    home = next(model.parameters()).device
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else home))
    state = Progress.load(file, recipe, model) if file is not None and file.exists() else Progress.start(model)
    begin, interrupted = time.perf_counter(), False
    try:
        with _repeatable(target), tqdm(total=last, initial=state.step, unit="step", disable=not progress) as bar:
            learner = _Learner(model.to(target), batch, loss, recipe, target)
            state.restore(model, learner.optimizer)
            losses = list(state.losses)
            for step in range(state.step, last):
                losses.append(learner.learn(step))
                if len(losses) % WINDOW == 0 or len(losses) == last:
                    state = state.advanced(model, learner.optimizer, losses)
                if file is not None and (len(losses) % save_every == 0 or len(losses) == last):
                    state.save(file, recipe)
                bar.set_postfix_str(f"loss {losses[-1]:.3f}", refresh=False)
                bar.update()
                if on_step is not None:
                    seconds = time.perf_counter() - begin
                    on_step(Step(len(losses), losses[-1], recipe.learning_rate_at(step), seconds))
    except KeyboardInterrupt:
        interrupted = True
        model.load_state_dict(dict(state.best))
        if file is not None:
            state.save(file, recipe)
    finally:
        model.to(home).eval()
    return Trained(list(state.losses), interrupted, time.perf_counter() - begin)


class _Learner:
    """A model with its optimizer, and one step of learning."""

    def __init__(
        self,
        model: nn.Module,
        batch: Callable[[int], Any],
        loss: Callable[[nn.Module, Any], Tensor],
        recipe: Recipe,
        device: torch.device,
    ) -> None:
        self.model, self.batch, self.loss, self.recipe, self.device = model, batch, loss, recipe, device
        self.parameters = [parameter for _, parameter in trained_parameters(model)]
        self.optimizer = torch.optim.AdamW(
            self.parameters, recipe.learning_rate, betas=(0.9, recipe.beta2), weight_decay=recipe.weight_decay
        )

    def learn(self, step: int) -> float:
        """Learn from the batch of a step, counted from 0, and return the loss before it."""
        # a stream of its own for each step: a resumed run needs no stored state to draw the same numbers
        torch.manual_seed(self.recipe.seed * 1_000_003 + step)
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate_at(step)
        value = self.loss(self.model, _to(self.batch(step), self.device))
        number = self._checked(value, step)
        self.optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        self.optimizer.step()
        return number

    def _checked(self, value: Any, step: int) -> float:
        if not isinstance(value, Tensor) or value.ndim or not value.requires_grad:
            raise ValueError(
                f"the loss is {_kind(value)}; expected a scalar tensor that depends on the model's parameters. "
                "Take the mean over the batch, and do not detach it."
            )
        number = value.item()
        if not math.isfinite(number):
            raise ArithmeticError(
                f"the loss is {number} at step {step + 1}; the model is lost. Lower the learning rate "
                f"({self.recipe.learning_rate:g}), or look for a division by zero in the data or the loss."
            )
        return number


def _check_arguments(model: nn.Module, recipe: Recipe, last: int, save_every: int) -> None:
    if not 1 <= last <= recipe.steps:
        raise ValueError(f"until is {last}; expected a number of steps from 1 to the recipe's {recipe.steps}.")
    if save_every < 1 or save_every % WINDOW:
        raise ValueError(f"save_every is {save_every}; expected a multiple of {WINDOW} steps.")
    if not trained_parameters(model):
        raise ValueError(f"this {type(model).__name__} has no parameter that requires a gradient: nothing can learn.")


@contextmanager
def _repeatable(device: torch.device) -> Iterator[None]:
    """Seeds set inside leave the caller's random numbers alone; cuDNN takes only algorithms that repeat exactly."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


def _to(data: Any, device: torch.device) -> Any:
    """The same data with every tensor in it on a device."""
    if isinstance(data, Tensor):
        return data.to(device)
    if isinstance(data, Mapping):
        return {key: _to(value, device) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_make"):  # a NamedTuple keeps its type
        return type(data)._make(_to(value, device) for value in data)
    if isinstance(data, (tuple, list)):
        return type(data)(_to(value, device) for value in data)
    return data


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}{'' if value.requires_grad else ' without a gradient'}"
    return f"a {type(value).__name__}"

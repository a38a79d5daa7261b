"""A training recipe: the few numbers that, with the model, the data and the loss, decide the result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """AdamW with a warm-up, a plateau and a linear decay to zero (1711.05101).

    steps:         how many batches are learned from.
    learning_rate: at the plateau.
    warmup:        steps in which the learning rate rises to it.
    decay:         the last part of the steps, from 0 to 1, in which it falls to zero.
    weight_decay:  AdamW's.
    clip:          the gradient's largest norm; a longer one is shortened to it.
    beta2:         AdamW's memory of past squared gradients, from 0 to 1; a short run forgets sooner.
    seed:          of everything random during training, such as dropout.
    Raises ValueError for a number that makes no sense.
    """

    steps: int
    learning_rate: float = 2e-3
    warmup: int = 50
    decay: float = 0.4
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    beta2: float = 0.999

    def __post_init__(self) -> None:
        rules = {
            "steps": (self.steps >= 1, "1 or more"),
            "learning_rate": (self.learning_rate > 0, "more than 0"),
            "warmup": (self.warmup >= 0, "0 or more steps"),
            "decay": (0 <= self.decay <= 1, "a part of the steps, from 0 to 1"),
            "weight_decay": (self.weight_decay >= 0, "0 or more"),
            "clip": (self.clip > 0, "more than 0"),
            "beta2": (0 <= self.beta2 < 1, "from 0 to less than 1"),
            "seed": (self.seed >= 0, "0 or more"),
        }
        for name, (holds, expected) in rules.items():
            if not holds:
                raise ValueError(f"the recipe's {name} is {getattr(self, name)}; expected {expected}.")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        rising = (step + 1) / self.warmup if self.warmup else 1.0
        falling = (self.steps - step) / (self.steps * self.decay) if self.decay else 1.0
        return self.learning_rate * min(1.0, rising, falling)

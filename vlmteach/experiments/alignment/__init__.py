"""LLaVA's two stages in small: an encoder and a language model that never met, and what must learn for them to."""

from vlmteach.experiments.alignment.stages import (
    Strangers,
    absent_questions,
    copied,
    learns,
    train_some,
    usual_questions,
    with_interval,
)

__all__ = ["Strangers", "absent_questions", "copied", "learns", "train_some", "usual_questions", "with_interval"]

"""Train any model on any data: the loop and checkpoints. It knows no views and no experiments."""

from vlmteach.training.atomic import write_whole
from vlmteach.training.checkpoint import Checkpoint, CheckpointError, load_checkpoint, load_weights, save_checkpoint
from vlmteach.training.loop import Step, Trained, fit
from vlmteach.training.recipe import Recipe
from vlmteach.training.threads import one_thread

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "Recipe",
    "Step",
    "Trained",
    "fit",
    "load_checkpoint",
    "load_weights",
    "one_thread",
    "save_checkpoint",
    "write_whole",
]

"""In the kernel of a lesson: keep every figure that is shown as matplotlib has it, for lecture/figures.py."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def keep_figures(folder: str) -> None:
    """From now on write every figure that is shown into the folder, in the order of showing."""
    number, savefig = itertools.count(), Figure.savefig

    def kept(self: Figure, *args: Any, **kwargs: Any) -> None:
        Path(folder, f"{next(number):04d}.pickle").write_bytes(pickle.dumps(self))
        savefig(self, *args, **kwargs)

    Figure.savefig = kept  # type: ignore[method-assign]

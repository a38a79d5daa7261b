"""Questions about a colour that is not there, and the word that answers them.

VOCABULARY has no word for it, and no random batch asks such a question: whoever learns from those alone has never seen
a reason to say that something is missing. NONE is one word more, number len(VOCABULARY).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vlmteach.pictures.chance import Chance, Seed
from vlmteach.pictures.look import COLOURS, RGB
from vlmteach.pictures.scenes.batches import SceneBatch
from vlmteach.pictures.scenes.board import check_word
from vlmteach.pictures.scenes.questions import VOCABULARY

NONE = "none"
_FIRST_COLOUR = VOCABULARY.index(COLOURS[0])


def ask_about_absent(batch: SceneBatch, seed: Seed, colours: Sequence[str] = COLOURS) -> SceneBatch:
    """The same pictures; half of the questions that name a colour now name one that is not there, and their answer is
    NONE.

    Of a question with two colours one is exchanged. colours: those to ask about. A question stays as it is where all
    of these are in the picture. Raises ValueError for no colours, and for an unknown one.
    """
    if not colours:
        raise ValueError("colours is empty; expected some to ask about, such as ['magenta'].")
    for colour in colours:
        check_word("colour", colour, COLOURS)
    chance = Chance(seed, stream=40)
    words = batch.words.numpy()
    wanted = np.isin(COLOURS, colours) & ~colours_in(batch.pictures).numpy()[:, None]  # (B, 1, colours)
    absent = (wanted * (1 + chance.numbers(2**32, (*words.shape[:2], len(COLOURS))))).argmax(axis=-1)
    named = (words >= _FIRST_COLOUR) & (words < _FIRST_COLOUR + len(COLOURS))
    place = (named * (1 + chance.numbers(2**32, words.shape))).argmax(axis=-1)
    asked = named.any(axis=-1) & wanted.any(axis=-1) & (chance.numbers(2, words.shape[:2]) == 1)
    exchanged = asked[..., None] & (np.arange(words.shape[-1]) == place[..., None])
    return batch._replace(
        words=torch.from_numpy(np.where(exchanged, _FIRST_COLOUR + absent[..., None], words)),
        answers=torch.from_numpy(np.where(asked, len(VOCABULARY), batch.answers.numpy())),
    )


def colours_in(pictures: Tensor) -> Tensor:
    """Which of COLOURS a picture holds: (B, 3, H, W) as draw_scenes makes them -> (B, colours), bool.

    A thing has a pixel of its pure colour, and soft edges, which mix it with grey, never make another pure one.
    """
    pure = torch.from_numpy(RGB).to(pictures) / 255
    return torch.stack([(pictures == colour[:, None, None]).all(dim=1).flatten(1).any(dim=1) for colour in pure], dim=1)

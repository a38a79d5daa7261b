"""One answer of a vision-language model, from three sides: what it says, where its words looked, and what mattered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vlmteach.probes.attention import every_attention_map
from vlmteach.probes.occlusion import occlusion


@dataclass(frozen=True)
class ProbedAnswer:
    """What probe_answer found.

    words: of the question, T of them. probabilities: of each word as the answer, most likely first.
    attention: (T, rows, columns), how much each word looks at each cell where words meet the picture, the mean over
        the heads; None when no word chooses between cells, as when the picture comes as one vector.
    drop: (rows, columns), by how much the first answer's probability falls when this cell is hidden.
    """

    words: tuple[str, ...]
    probabilities: dict[str, float]
    attention: Tensor | None
    drop: Tensor

    @property
    def answer(self) -> str:
        """The most likely word."""
        return next(iter(self.probabilities))


def probe_answer(
    model: Any, image: Tensor, question: str, cells: tuple[int, int], fill: float | Sequence[float]
) -> ProbedAnswer:
    """Ask, look at the attention between words and picture, and hide each cell in turn.

    model: a VisionLanguageModel in eval mode. image: (3, H, W). cells: (rows, columns) of the encoder's grid.
    fill: what a hidden cell shows, as in occlusion; the colour of an empty background takes things away.
    Raises ValueError for a question the language model cannot read.
    """
    tokenizer = model.language_model.tokenizer
    words = tokenizer.encode(question).to(image.device)
    probabilities = model.answer(image, question)
    first = tokenizer.numbers[next(iter(probabilities))]

    def likelihood(pictures: Tensor) -> Tensor:
        scores = model(pictures, words.expand(len(pictures), 1, -1))
        return scores[:, 0, -1].softmax(dim=-1)[:, first, None]

    change = occlusion(likelihood, image[None], cells, fill, batch_size=cells[0] * cells[1])
    names = tuple(tokenizer.words[number] for number in words.tolist())
    return ProbedAnswer(names, probabilities, _word_maps(model, image, words, cells), -change[..., 0])


def _word_maps(model: Any, image: Tensor, words: Tensor, cells: tuple[int, int]) -> Tensor | None:
    """The attention from words to cells: weights (1, heads, T, rows * columns) somewhere in the connector."""
    found = every_attention_map(model, image[None], words[None, None])
    for name, weights in zip(found.names, found.weights, strict=True):
        if name.startswith("connector.") and tuple(weights.shape[-2:]) == (len(words), cells[0] * cells[1]):
            return weights[0].mean(dim=0).unflatten(1, cells)
    return None

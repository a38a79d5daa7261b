"""A vision-language model: an encoder looks, a connector translates, a language model answers.

    visual = encoder(image)               VisualTokens, whichever encoder made them
    read = connector(visual, words)       what the language model reads: words that have read the picture
    scores = language_model(read)         which word comes next

Swapping the encoder is swapping one argument.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vlmteach.nn.checks import check_eval, check_shape
from vlmteach.nn.language import LanguageModel


class VisionLanguageModel(nn.Module):
    """encoder(image) -> VisualTokens; connector(visual, text (B, T, D)) -> (B, M + T, D); then the language model.

    The last T of what a connector returns are the words; M picture tokens may stand in front (Prefix), or none
    (CrossAttentionConnector, VectorFusion). The language model numbers words, never picture tokens, and lets picture
    tokens see each other in any order: where things are reaches it only through the encoder or AddPositions.
    """

    def __init__(self, encoder: nn.Module, connector: nn.Module, language_model: LanguageModel) -> None:
        super().__init__()
        self.encoder, self.connector, self.language_model = encoder, connector, language_model

    def forward(self, image: Tensor, questions: Tensor) -> Tensor:
        """Pictures (B, 3, H, W), Q questions about each as word numbers (B, Q, L) -> scores (B, Q, L, V).

        Scores at a word are for the word that follows it. The questions about a picture do not see each other: packing
        them lets one pass of the encoder serve Q answers, and changes none of them.
        """
        hint = "Q questions of L words for each picture; a single question needs an axis in the middle: words[:, None]."
        check_shape("questions", questions, image.shape[0], "Q", "L", hint=hint)
        count, length = questions.shape[1:]
        text = self.language_model.embed(questions).flatten(1, 2)
        read = self.connector(self.encoder(image), text)
        in_front = read.shape[1] - text.shape[1]
        scores = self.language_model(read, packed_mask(in_front, count, length).to(read.device))
        return scores[:, in_front:].unflatten(1, (count, length))

    @torch.inference_mode()
    def answer(self, image: Tensor, question: str) -> dict[str, float]:
        """The probability of each word as the answer, most likely first: image (3, H, W), "what shape is red ?".

        Raises ValueError in training mode, and for a word it does not know, an empty question or one that is too long.
        """
        check_eval(self)
        words = self.language_model.tokenizer.encode(question).to(image.device)
        probabilities = self(image[None], words[None, None])[0, 0, -1].softmax(dim=-1)
        ranked = probabilities.sort(descending=True)
        vocabulary = self.language_model.tokenizer.words
        return {vocabulary[word]: float(p) for p, word in zip(ranked.values, ranked.indices.tolist(), strict=True)}


@torch.fx.wrap  # one step of a traced graph, as grid_boxes is
def packed_mask(in_front: int, questions: int, length: int) -> Tensor:
    """Who may look at whom when several questions follow one picture: (N, N) with N = in_front + questions * length.

    Picture tokens see the picture. A word sees the picture and, of its own question, itself and the words before it.
    """
    own = torch.eye(questions, dtype=torch.bool).repeat_interleave(length, 0).repeat_interleave(length, 1)
    mask = torch.zeros(2 * (in_front + questions * length,), dtype=torch.bool)
    mask[:, :in_front] = True
    mask[in_front:, in_front:] = own.tril()
    return mask

"""A language model: words become vectors, tokens look back at earlier ones, and each says which word comes next.

It uses the same TransformerBlock as the ViT, with a mask that hides the words that follow.
Sources: Attention Is All You Need (1706.03762) for the blocks; pre-norm as in GPT-2, openai/gpt-2:src/model.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vlmteach.nn.checks import check_length, check_words
from vlmteach.nn.transformer import TransformerBlock


class WordTokenizer:
    """One number for each word. Real models split words into pieces so that no word is unknown; here words are few.

    words: the whole vocabulary; number i stands for words[i]. The first one is padding.
    Raises ValueError for words that occur twice or hold a space.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.numbers = {word: number for number, word in enumerate(self.words)}
        if len(self.numbers) != len(self.words) or any(len(word.split()) != 1 for word in self.words):
            raise ValueError("the vocabulary holds a word twice, or one with a space in it; expected single words.")

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, text: str) -> Tensor:
        """A sentence, with spaces between its words -> their numbers (T,), int64.

        Raises ValueError, with the nearest known words, for a word that is unknown, and for an empty sentence.
        """
        words = text.lower().replace("?", " ? ").split()
        check_words(words, self.words)
        return torch.tensor([self.numbers[word] for word in words])

    def decode(self, numbers: Tensor) -> str:
        """Numbers (T,) -> the sentence, padding left out."""
        return " ".join(self.words[number] for number in numbers.tolist() if number)


class LanguageModel(nn.Module):
    """A decoder: embed words, let each see those before it in every block, score every word as the next one.

    tokenizer: knows the words. dim: width D; depth: blocks; num_heads must divide dim.
    context: the longest text in words; tokens of a picture need no place in it.
    """

    def __init__(self, tokenizer: WordTokenizer, dim: int, *, depth: int, num_heads: int, context: int) -> None:
        super().__init__()
        self.tokenizer, self.dim, self.context = tokenizer, dim, context
        self.words = nn.Embedding(len(tokenizer), dim)
        self.positions = nn.Parameter(torch.randn(context, dim) * 0.02)
        blocks = [TransformerBlock(dim, num_heads=num_heads) for _ in range(depth)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, len(tokenizer))
        nn.init.normal_(self.words.weight, std=0.5)
        for block in blocks:
            # torch's initial weights make all scores almost equal; with these, words attend differently from step one
            nn.init.normal_(block.attn.qkv.weight, std=dim**-0.5)

    def embed(self, words: Tensor) -> Tensor:
        """Word numbers (..., T) -> (..., T, D): what each word is, plus its place in the text.

        Raises ValueError when the text is longer than the context.
        """
        check_length(words, self.context)
        return self.words(words) + self.positions[: words.shape[-1]]

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Embedded tokens (B, N, D), mask (N, N), True = may attend -> scores of the next word (B, N, V)."""
        for block in self.blocks:
            tokens = block(tokens, mask)
        return self.head(self.norm(tokens))

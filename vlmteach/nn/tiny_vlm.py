"""A whole vision-language model on one page, in the order in which a picture travels.

    pictures (B, 3, H, W)               questions (B, Q, L): Q about each picture, words as numbers
      |  image encoder                    |  embedding
    tokens (B, N, C)                    words (B, Q * L, D)
      |  projector, positions             |
    tokens (B, N, D)  ------------------  +  the words ask (cross-attention), or the tokens stand in front (prefix)
                                          |  language model
                                        scores (B, Q, L, V) of each next word, then the cross-entropy of the answers

Only formulas stand here. The other files of this folder hold the same ones as parts to choose from, with checks that
say what went wrong; a test loads the weights of either into the other. Lesson 08 builds this page, piece by piece.
"""

import torch
from torch import nn
from torch.nn import functional as F

CELL = 8  # pixels: the side of a cell of the CNN, and of a patch of the ViT
MEAN, STD = 88 / 255, 0.2  # of the pictures: an empty board becomes zero
SKIP = -100  # the target that cross-entropy leaves out


def attend(query, key, value, num_heads, mask=None):
    """softmax(Q Kᵀ / √d) V in each head, a slice of the width: (B, N, D), (B, M, D), (B, M, D) -> (B, N, D)."""
    query, key, value = (part.unflatten(-1, (num_heads, -1)).transpose(1, 2) for part in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)


class Block(nn.Module):
    """x += attention(norm(x)); x += mlp(norm(x)): tokens exchange what they know, then each works on its own."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.num_heads, self.norm1 = num_heads, nn.LayerNorm(dim, eps=1e-6)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x, mask=None):
        query, key, value = self.qkv(self.norm1(x)).chunk(3, dim=-1)
        x = x + self.proj(attend(query, key, value, self.num_heads, mask))
        return x + self.mlp(self.norm2(x))


# the image encoder: pictures (B, 3, H, W) -> tokens (B, N, C), one for each square of 8 x 8 pixels, row by row


class ConvBlock(nn.Module):
    """x += relu(norm(conv(x))): a cell sees its eight neighbours; at the border they wrap around."""

    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, padding_mode="circular", bias=False)
        self.norm = nn.BatchNorm2d(dim)

    def forward(self, grid):
        return grid + F.relu(self.norm(self.conv(grid)))


class ConvNet(nn.Module):
    """Local: one convolution cuts the picture into cells, and after n blocks a cell has seen n others on each side."""

    def __init__(self, dim, blocks):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, dim, CELL, stride=CELL, bias=False), nn.BatchNorm2d(dim), nn.ReLU())
        self.features = nn.Sequential(stem, *(ConvBlock(dim) for _ in range(blocks)))

    def forward(self, pictures):
        return self.features(pictures).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Global: every patch becomes a token, gets its position from a learned table, and attends to all others."""

    def __init__(self, dim, depth, num_heads, patches):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, CELL, stride=CELL)
        self.positions = nn.Parameter(torch.randn(1, patches, dim) * 0.02)
        self.blocks = nn.Sequential(*(Block(dim, num_heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, pictures):
        patches = self.patch_embed(pictures).flatten(2).transpose(1, 2)
        return self.norm(self.blocks(patches + self.positions))


# the connector: tokens become as wide as words, get their positions, and meet the words


def projector(vision_dim, dim):
    """A small network for each token by itself, between two norms: (B, N, C) -> (B, N, D)."""
    mlp = nn.Sequential(nn.Linear(vision_dim, dim), nn.GELU(), nn.Linear(dim, dim))
    return nn.Sequential(nn.LayerNorm(vision_dim), *mlp, nn.LayerNorm(dim))


def grid_positions(cells, dim):
    """Sines and cosines of the row and the column of each cell of a square grid, (N, D): nothing is learned."""
    side = round(cells**0.5)
    edges = torch.arange(side + 1) / side
    middles = 16 * (edges[:-1] + edges[1:]) / 2 - 0.5  # counted on a grid of 16 x 16 cells, whatever the encoder's
    speeds = 1 / 10000 ** (torch.arange(dim // 4) / (dim // 4))
    rows, columns = (part.flatten()[:, None] * speeds for part in torch.meshgrid(middles, middles, indexing="ij"))
    return torch.cat([rows.sin(), columns.sin(), rows.cos(), columns.cos()], dim=-1)


class CrossAttention(nn.Module):
    """Each word asks, the picture's tokens answer, and the word adds what it found."""

    def __init__(self, dim, num_heads):
        super().__init__()
        self.num_heads, self.norm = num_heads, nn.LayerNorm(dim)
        self.q, self.k, self.v, self.proj = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, tokens, words):
        query = self.q(self.norm(words))
        return words + self.proj(attend(query, self.k(tokens), self.v(tokens), self.num_heads))


class Prefix(nn.Module):
    """The other connector: the picture's tokens stand in front of the words."""

    def forward(self, tokens, words):
        return torch.cat([tokens, words], dim=1)


# the language model, and all of it together


class LanguageModel(nn.Module):
    """Words become vectors, look back at earlier ones, and score each word of the vocabulary as the next."""

    def __init__(self, vocabulary, dim, depth, num_heads, context):
        super().__init__()
        self.words = nn.Embedding(vocabulary, dim)
        self.positions = nn.Parameter(torch.randn(context, dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, num_heads) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, vocabulary)
        nn.init.normal_(self.words.weight, std=0.5)
        for block in self.blocks:  # so that words differ in what they look at from the first step on
            nn.init.normal_(block.qkv.weight, std=dim**-0.5)

    def embed(self, words):
        return self.words(words) + self.positions[: words.shape[-1]]

    def forward(self, x, mask):
        for block in self.blocks:
            x = block(x, mask)
        return self.head(self.norm(x))


def packed_mask(in_front, questions, length):
    """Who may look at whom, (N, N): all see the tokens in front; a word also sees its own question up to itself."""
    own = torch.eye(questions, dtype=torch.bool).repeat_interleave(length, 0).repeat_interleave(length, 1)
    mask = F.pad(own.tril(), (in_front, 0, in_front, 0))
    mask[:, :in_front] = True
    return mask


class TinyVLM(nn.Module):
    """The image encoder looks once, and all questions about a picture are answered in one pass."""

    def __init__(self, encoder, projector, connector, language_model):
        super().__init__()
        self.encoder, self.projector = encoder, projector
        self.connector, self.language_model = connector, language_model

    def forward(self, pictures, questions):
        tokens = self.projector(self.encoder((pictures - MEAN) / STD))
        tokens = tokens + grid_positions(*tokens.shape[1:]).to(tokens)
        words = self.language_model.embed(questions).flatten(1, 2)
        sequence = self.connector(tokens, words)
        in_front = sequence.shape[1] - words.shape[1]
        mask = packed_mask(in_front, *questions.shape[1:]).to(words.device)
        return self.language_model(sequence, mask)[:, in_front:].unflatten(1, questions.shape[1:])


# the loss and the loop


def targets(questions, answers):
    """What each word must predict, (B, Q, L): the answer at the last word of a question, and SKIP elsewhere."""
    last = (questions != 0).sum(dim=-1, keepdim=True) - 1  # after it come padding zeros
    return torch.full_like(questions, SKIP).scatter(2, last, answers[..., None])


def train(model, batch, steps, rate, warmup=100, decay=0.4):
    """Learn from batch(step): pictures, questions and answers. Yields the loss and which answers are right, (B, Q)."""
    optimizer = torch.optim.AdamW(model.train().parameters(), betas=(0.9, 0.98))
    for step in range(steps):
        pictures, questions, answers = batch(step)
        scores, wanted = model(pictures, questions), targets(questions, answers)
        loss = F.cross_entropy(scores.flatten(0, 2), wanted.flatten(), ignore_index=SKIP)
        optimizer.param_groups[0]["lr"] = rate * min(1, (step + 1) / warmup, (steps - step) / (decay * steps))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield loss.item(), (scores.argmax(dim=-1) == wanted)[wanted != SKIP].view_as(answers)

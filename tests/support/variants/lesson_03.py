from support.variants import Variants

EMBED = """
import torch
import torch.nn.functional as F
from vlmteach.nn import patchify
def embed_patches(image, weight, bias):
    p = weight.shape[-1]
    {}
"""
RIGHT = "patchify(image, p) @ weight.flatten(1).T + bias"
PERMUTED = """
def embed_patches(image, weight, bias):
    p = weight.shape[-1]
    squares = image.unfold(2, p, p).unfold(3, p, p)
    return squares.permute({}).flatten(3).flatten(1, 2) @ weight.flatten(1).T + bias
"""
PLACES = """
import torch
import torch.nn.functional as F
def add_places(tokens, table, prefix):
    {}
"""
PLACED = "torch.cat([tokens[:, :prefix], tokens[:, prefix:] + table], dim=1)"

VARIANTS = {
    "3.1": Variants(
        right=(
            "import torch\nclip_tokens = torch.tensor([577])",
            "import numpy as np\nclip_tokens = np.float16((336 / 14) ** 2 + 1)",
        ),
        wrong={
            "CLS token is one more": "clip_tokens = (336 // 14) ** 2",
            "along one side": "clip_tokens = 336 // 14",
            "You added CLS to one side": "clip_tokens = 25",
            "You added CLS to each side": "clip_tokens = 25 * 25",
            "You added rows and columns": "clip_tokens = 24 + 24 + 1",
            "224 pixels and patches of 16": "clip_tokens = 197",
            "The picture has 336": "clip_tokens = (224 // 14) ** 2 + 1",
            "this encoder has 14": "clip_tokens = (336 // 16) ** 2 + 1",
            "How many patches of 14": "clip_tokens = 336 * 336",
            "expected a number": "clip_tokens = '577'",
        },
    ),
    "3.2": Variants(
        right=(
            """
import torch
def embed_patches(image, weight, bias):
    p = weight.shape[-1]
    rows, columns = image.shape[2] // p, image.shape[3] // p
    tokens = [
        torch.einsum("bcyx,dcyx->bd", image[:, :, p * r : p * r + p, p * c : p * c + p], weight) + bias
        for r in range(rows)
        for c in range(columns)
    ]
    return torch.stack(tokens, dim=1)
""",
            EMBED.format("return patchify(image.double(), p) @ weight.double().flatten(1).T + bias"),
            EMBED.format("return patchify(image.half(), p) @ weight.half().flatten(1).T + bias.half()"),
            EMBED.format("return F.unfold(image, p, stride=p).mT @ weight.flatten(1).T + bias"),
            """
import numpy as np
def embed_patches(image, weight, bias):
    image, weight, bias = (np.asarray(given, dtype=np.float64) for given in (image, weight, bias))
    B, C, H, W = image.shape
    p = weight.shape[-1]
    squares = image.reshape(B, C, H // p, p, W // p, p)
    return np.einsum("bcypxq,dcpq->byxd", squares, weight).reshape(B, -1, len(bias)) + bias
""",
            """
import torch
from torch import nn
from vlmteach.nn import patchify
class Embed(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
    def forward(self, image, weight, bias):
        return self.scale * (patchify(image, weight.shape[-1]) @ weight.flatten(1).T + bias)
embed_patches = Embed()
""",
        ),
        wrong={
            "Right, except for the bias: every token still needs it": EMBED.format(
                "return patchify(image, p) @ weight.flatten(1).T"
            ),
            "you added it twice": EMBED.format(f"return {RIGHT} + bias"),
            "row, column, channel": PERMUTED.format("0, 2, 3, 4, 5, 1"),
            "column order": PERMUTED.format("0, 3, 2, 1, 4, 5"),
            "lie on their side": PERMUTED.format("0, 2, 3, 1, 5, 4"),
            "reshape mistake": EMBED.format(
                "return image.reshape(len(image), -1, 3 * p * p) @ weight.flatten(1).T + bias"
            ),
            "Your result is (B, D, N)": EMBED.format(
                "return weight.flatten(1) @ F.unfold(image, p, stride=p) + bias[:, None]"
            ),
            "You called a convolution": (
                EMBED.format("return F.conv2d(image, weight, bias, stride=p).flatten(2).transpose(1, 2)"),
                EMBED.format(
                    "return torch.ops.aten.convolution(image, weight, bias, [p, p], [0, 0], [1, 1], False, [0, 0], 1)"
                ),
                EMBED.format(
                    "return torch.conv2d(image.double(), weight.double(), bias.double(), stride=p).flatten(2).mT"
                ),
                EMBED.format("return F.conv3d(image[:, None], weight[:, None], bias, stride=(1, p, p)).flatten(2).mT"),
                """
import torch
def embed_patches(image, weight, bias):
    convolution = torch.nn.Conv2d(3, len(bias), weight.shape[-1], stride=weight.shape[-1])
    convolution.weight.data, convolution.bias.data = weight, bias
    return convolution(image).flatten(2).transpose(1, 2)
""",
            ),
            "with each of the D filters": EMBED.format(
                "return patchify(image, p).flip(1) @ weight.flatten(1).T + bias"
            ),
            "your result has the shape (1, 1, 2); expected (1, 2, 2), (B, N, D)": EMBED.format(
                f"return ({RIGHT})[:, :1]"
            ),
            "also wrote into image, which": EMBED.format(f"tokens = {RIGHT}\n    image.zero_()\n    return tokens"),
            "In line 3 of your cell, `return patches @ weight.flatten(1).T + bias`, for image of shape (1, 3, 2, 4)": (
                """def embed_patches(image, weight, bias):
    patches = image.flatten(1)
    return patches @ weight.flatten(1).T + bias
"""
            ),
        },
    ),
    "3.3": Variants(
        right=(
            PLACES.format("return tokens + F.pad(table, (0, 0, prefix, 0))"),
            PLACES.format(f"tokens, table = tokens.double(), table.double()\n    return {PLACED}"),
            PLACES.format(f"tokens, table = tokens.half(), table.half()\n    return {PLACED}"),
            PLACES.format("tokens = tokens.clone()\n    tokens[:, prefix:] += table\n    return tokens"),
            """
import numpy as np
def add_places(tokens, table, prefix):
    return tokens.numpy() + np.pad(table.numpy(), ((prefix, 0), (0, 0)))
""",
        ),
        wrong={
            "same place": tuple(
                PLACES.format(f"return torch.cat([tokens[:, :prefix], tokens[:, prefix:] + table{same}], dim=1)")
                for same in ("[:1]", "[0]", "[-1]", ".mean(0)")
            ),
            "You began to add at token 0": PLACES.format(
                "tokens = tokens.clone()\n    tokens[:, : len(table)] += table\n    return tokens"
            ),
            "The prefix tokens changed": PLACES.format(
                "return tokens + torch.cat([table[:1].expand(prefix, -1), table])"
            ),
            "those in front get nothing": PLACES.format("return tokens + F.pad(table, (0, 0, prefix, 0), value=7)"),
            "unchanged": PLACES.format("return tokens.clone()"),
            "behind the patches": PLACES.format(
                "return torch.cat([tokens[:, prefix:] + table, tokens[:, :prefix]], dim=1)"
            ),
            "also wrote into tokens": PLACES.format("tokens[:, prefix:] += table\n    return tokens"),
            "also wrote into table": PLACES.format(f"placed = {PLACED}\n    table *= 0\n    return placed"),
            "neither adds nor removes": PLACES.format("return tokens[:, prefix:] + table"),
            "in reverse": PLACES.format(
                "return torch.cat([tokens[:, :prefix], tokens[:, prefix:] + table.flip(0)], dim=1)"
            ),
            "each place twice": PLACES.format("return tokens + 2 * F.pad(table, (0, 0, prefix, 0))"),
            "your result has the shape (2, 1, 1, 2); expected (1, 2, 2)": PLACES.format(
                "return tokens[:, :prefix], tokens[:, prefix:] + table"
            ),
        },
    ),
}

from support.variants import Variants

VARIANTS = {
    "3.1": Variants(
        alternative="import torch\nclip_tokens = torch.tensor([577])",
        mistakes={
            "CLS token is one more": "clip_tokens = (336 // 14) ** 2",
            "along one side": "clip_tokens = 336 // 14",
            "224 pixels and patches of 16": "clip_tokens = 197",
            "The picture has 336": "clip_tokens = (224 // 14) ** 2 + 1",
            "this encoder has 14": "clip_tokens = (336 // 16) ** 2 + 1",
            "How many patches of 14": "clip_tokens = 336 * 336",
            "expected a number": "clip_tokens = '577'",
        },
    ),
    "3.2": Variants(
        alternative="""
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
        mistakes={
            "bias": """
from vlmteach.nn import patchify
def embed_patches(image, weight, bias):
    return patchify(image, weight.shape[-1]) @ weight.flatten(1).T
""",
            "row, column, channel": """
def embed_patches(image, weight, bias):
    p = weight.shape[-1]
    squares = image.unfold(2, p, p).unfold(3, p, p)
    return squares.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2) @ weight.flatten(1).T + bias
""",
            "column order": """
def embed_patches(image, weight, bias):
    p = weight.shape[-1]
    squares = image.unfold(2, p, p).unfold(3, p, p)
    return squares.permute(0, 3, 2, 1, 4, 5).flatten(3).flatten(1, 2) @ weight.flatten(1).T + bias
""",
            "lie on their side": """
def embed_patches(image, weight, bias):
    p = weight.shape[-1]
    squares = image.unfold(2, p, p).unfold(3, p, p)
    return squares.permute(0, 2, 3, 1, 5, 4).flatten(3).flatten(1, 2) @ weight.flatten(1).T + bias
""",
            "reshape mistake": """
def embed_patches(image, weight, bias):
    p = weight.shape[-1]
    return image.reshape(len(image), -1, 3 * p * p) @ weight.flatten(1).T + bias
""",
            "(B, N, D)": """
import torch.nn.functional as F
def embed_patches(image, weight, bias):
    patches = F.unfold(image, weight.shape[-1], stride=weight.shape[-1])
    return weight.flatten(1) @ patches + bias[:, None]
""",
            "You called a convolution": """
import torch.nn.functional as F
def embed_patches(image, weight, bias):
    return F.conv2d(image, weight, bias, stride=weight.shape[-1]).flatten(2).transpose(1, 2)
""",
            "cut, lay flat, multiply": """
import torch
def embed_patches(image, weight, bias):
    convolution = torch.nn.Conv2d(3, len(bias), weight.shape[-1], stride=weight.shape[-1])
    convolution.weight.data, convolution.bias.data = weight, bias
    return convolution(image).flatten(2).transpose(1, 2)
""",
            "Compare your patches": """
from vlmteach.nn import patchify
def embed_patches(image, weight, bias):
    return patchify(image, weight.shape[-1]).flip(1) @ weight.flatten(1).T + bias
""",
            "Raised. In line 3": """def embed_patches(image, weight, bias):
    patches = image.flatten(1)
    return patches @ weight.flatten(1).T + bias
""",
        },
    ),
    "3.3": Variants(
        alternative="""
import torch.nn.functional as F
def add_places(tokens, table, prefix):
    return tokens + F.pad(table, (0, 0, prefix, 0))
""",
        mistakes={
            "same place": """
def add_places(tokens, table, prefix):
    tokens = tokens.clone()
    tokens[:, prefix:] += table[:1]
    return tokens
""",
            "You began to add at token 0": """
def add_places(tokens, table, prefix):
    tokens = tokens.clone()
    tokens[:, : len(table)] += table
    return tokens
""",
            "The prefix tokens changed": """
import torch
def add_places(tokens, table, prefix):
    return tokens + torch.cat([table[:1].expand(prefix, -1), table])
""",
            "unchanged": "def add_places(tokens, table, prefix):\n    return tokens.clone()",
            "wrote into the tokens": """
def add_places(tokens, table, prefix):
    tokens[:, prefix:] += table
    return tokens
""",
            "neither adds nor removes": """
def add_places(tokens, table, prefix):
    return tokens[:, prefix:] + table
""",
            "row i of the table": """
import torch
def add_places(tokens, table, prefix):
    return torch.cat([tokens[:, :prefix], tokens[:, prefix:] + table.flip(0)], dim=1)
""",
        },
    ),
}

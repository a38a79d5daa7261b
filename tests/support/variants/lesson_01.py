from support.variants import Variants

FLATTEN = """
import torch
def flatten_grid(grid):
    {}
"""
TOKENS = "grid.flatten(2).transpose(1, 2)"
BOX = """
import torch
def stride_cell(token, width, stride):
    y, x = divmod(token, width)
    return {}
"""
FOUR = "(y * stride, x * stride, (y + 1) * stride, (x + 1) * stride)"

VARIANTS = {
    "1.1": Variants(
        right=(
            """
import torch
def flatten_grid(grid):
    return torch.stack([grid[:, :, y, x] for y in range(grid.shape[2]) for x in range(grid.shape[3])], dim=1)
""",
            FLATTEN.format("return torch.einsum('bcyx->byxc', grid).reshape(len(grid), -1, grid.shape[1])"),
            FLATTEN.format("return torch.nn.functional.unfold(grid, 1).mT"),
            FLATTEN.format("return grid.movedim(1, -1).flatten(1, 2)"),
            FLATTEN.format(f"return {TOKENS}.double()"),
            FLATTEN.format(f"return {TOKENS}.tolist()"),
            FLATTEN.format("return grid.numpy().transpose(0, 2, 3, 1).reshape(len(grid), -1, grid.shape[1])"),
            """
from torch import nn
class Flatten(nn.Module):
    def forward(self, grid):
        return grid.flatten(2).mT
flatten_grid = Flatten()
""",
            """
import torch
def flatten_grid(grid):
    tokens = torch.empty(len(grid), grid[0, 0].numel(), grid.shape[1])
    for b in range(grid.shape[0]):
        for c in range(grid.shape[1]):
            for y in range(grid.shape[2]):
                for x in range(grid.shape[3]):
                    tokens[b, y * grid.shape[3] + x, c] = grid[b, c, y, x]
    return tokens
""",
        ),
        wrong={
            "a function of the course that is there already": (
                "from vlmteach.nn import grid_to_tokens as flatten_grid",
                "import vlmteach.nn\nflatten_grid = lambda grid: vlmteach.nn.grid_to_tokens(grid)",
                FLATTEN.format("from vlmteach import nn\n    return nn.grid_to_tokens(grid)"),
            ),
            "reshape mistake": FLATTEN.format("return grid.reshape(len(grid), -1, grid.shape[1])"),
            "One axis swap is missing": FLATTEN.format("return grid.flatten(2)"),
            "column by column": FLATTEN.format("return grid.permute(0, 3, 2, 1).flatten(1, 2)"),
            "Token y * W + x holds": FLATTEN.format("return grid.flip(2).flatten(2).mT"),
            "did you print instead of return?": FLATTEN.format(f"print({TOKENS})"),
            "2 of 120 numbers are not right; the first, at [0, 7, 0]": FLATTEN.format(
                f"t = {TOKENS}.clone()\n    if len(t) == 2: t[0, 7, :2] = 0\n    return t"
            ),
            "at [0, 7, 0] of (B, H*W, C), is 0": FLATTEN.format(
                f"t = {TOKENS}.clone()\n    t[:, 7:10] = 0\n    return t"
            ),
            "everything after the decimal point is lost": tuple(
                FLATTEN.format(f"return {TOKENS}.{way}()") for way in ("int", "round", "long")
            ),
            "keeps three digits": FLATTEN.format(f"return {TOKENS}.half()"),
            "keeps two digits": FLATTEN.format(f"return {TOKENS}.bfloat16()"),
            "you gave [[[0.500001, 2.250001], [-1.699999, -0.299999]]]; expected [[[0.5, 2.25], [-1.7, -0.3": (
                FLATTEN.format(f"return {TOKENS} + 1e-6")
            ),
            "Negative numbers became 0": FLATTEN.format(f"return {TOKENS}.relu()"),
            "lost their signs": FLATTEN.format(f"return {TOKENS}.abs()"),
            "also wrote into grid": FLATTEN.format(f"o = {TOKENS}.clone()\n    grid.zero_()\n    return o"),
            "for grid = [[[[0.5, -1.7]], [[2.25, -0.3]]]] of shape (1, 2, 1, 2): RuntimeError": FLATTEN.format(
                "return grid.reshape(1, 512, 196)"
            ),
            "A row of the grid holds W cells": """
import torch
def flatten_grid(grid):
    B, C, H, W = grid.shape
    out = torch.zeros(B, H * W, C)
    for y in range(H):
        for x in range(W):
            out[:, y*H+x] = grid[:, :, y, x]
    return out
""",
        },
    ),
    "1.2": Variants(
        right=(
            "import numpy as np\ntokens_for_wide_picture = np.int64(240)",
            "tokens_for_wide_picture = (384 / 32) * (640 / 32)",
            "import torch\ntokens_for_wide_picture = torch.ones(12, 20).sum()",
        ),
        wrong={
            "added rows and columns": "tokens_for_wide_picture = 384 // 32 + 640 // 32",
            "is a ndarray of shape (2,)": "import numpy as np\ntokens_for_wide_picture = np.array([12, 20])",
            "number of pixels": "tokens_for_wide_picture = 384 * 640",
            "divided by the stride once": "tokens_for_wide_picture = 384 * 640 // 32",
            "counts numbers": "tokens_for_wide_picture = 12 * 20 * 2048",
            "224 x 224": "tokens_for_wide_picture = 49",
            "stride of 16": "tokens_for_wide_picture = 24 * 40",
            "a ResNet's grid has none": "tokens_for_wide_picture = 241",
            "is a str; expected a number": "tokens_for_wide_picture = '240'",
            "is a function; expected a number": "tokens_for_wide_picture = lambda: 240",
            "239 is not it": "tokens_for_wide_picture = 239",
        },
    ),
    "1.3": Variants(
        right=(
            """
def stride_cell(token, width, stride):
    top, left = stride * (token // width), stride * (token % width)
    return [top, left, top + stride, left + stride]
""",
            BOX.format(f"torch.tensor({FOUR})"),
            BOX.format(f"torch.tensor([{FOUR}])"),
            BOX.format(f"map(float, {FOUR})"),
            BOX.format("torch.tensor([[y], [x], [y + 1], [x + 1]]) * stride"),
        ),
        wrong={
            "Rows come first": BOX.format("(x * stride, y * stride, (x + 1) * stride, (y + 1) * stride)"),
            "The corner with the smallest": BOX.format("(y * stride, (y + 1) * stride, x * stride, (x + 1) * stride)"),
            "half-open": BOX.format("(y * stride, x * stride, (y + 1) * stride - 1, (x + 1) * stride - 1)"),
            "far edges": BOX.format("(y * stride, x * stride, stride, stride)"),
            "You gave cells": BOX.format("(y, x, y + 1, x + 1)"),
            "you gave (0.999, 4.999, 4.999, 8.999); expected (0, 4, 4, 8)": BOX.format(
                f"tuple(v + 0.999 for v in {FOUR})"
            ),
            "a str for top; expected a number": BOX.format(f"tuple(str(v) for v in {FOUR})"),
            "you gave (0, 0, 0.14, 0.14)": BOX.format("(0, 0, .14, .14)"),
            "you gave (0, 4.1": BOX.format("(y / 7 * stride, (x + 0.03) * stride, 0, 0)"),
            "returned a dict of 4; expected 4 numbers (top, left, bottom, right)": BOX.format(
                f"dict(zip('tlbr', {FOUR}))"
            ),
            "returned a set of": BOX.format(f"set({FOUR})"),
            "returned a str; expected 4 numbers": BOX.format(f"str({FOUR})"),
            "returned an int; expected 4 numbers": BOX.format("y"),
            "Which row and column is the token's cell?": BOX.format("(0, 0, stride, stride)"),
            "In line 2 of your cell": "def stride_cell(token, width, stride):\n    return token / 0",
        },
    ),
}

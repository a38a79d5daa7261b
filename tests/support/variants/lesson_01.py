from support.variants import Variants

VARIANTS = {
    "1.1": Variants(
        alternative="""
import torch
def flatten_grid(grid):
    return torch.stack([grid[:, :, y, x] for y in range(grid.shape[2]) for x in range(grid.shape[3])], dim=1)
""",
        mistakes={
            "reshape mistake": "def flatten_grid(grid):\n    return grid.reshape(len(grid), -1, grid.shape[1])",
            "One axis swap is missing": "def flatten_grid(grid):\n    return grid.flatten(2)",
            "column by column": "def flatten_grid(grid):\n    return grid.permute(0, 3, 2, 1).flatten(1, 2)",
            "Token 0 should be": "def flatten_grid(grid):\n    return grid.flip(2).flatten(2).mT",
            "returned a NoneType": "def flatten_grid(grid):\n    grid.flatten(2).mT",
        },
    ),
    "1.2": Variants(
        alternative="import numpy as np\ntokens_for_wide_picture = np.int64(240)",
        mistakes={
            "added rows and columns": "tokens_for_wide_picture = 384 // 32 + 640 // 32",
            "is a ndarray": "import numpy as np\ntokens_for_wide_picture = np.array([12, 20])",
            "number of pixels": "tokens_for_wide_picture = 384 * 640",
            "224 x 224": "tokens_for_wide_picture = 49",
            "expected a number": "tokens_for_wide_picture = '240'",
        },
    ),
    "1.3": Variants(
        alternative="""
def stride_cell(token, width, stride):
    top, left = stride * (token // width), stride * (token % width)
    return [top, left, top + stride, left + stride]
""",
        mistakes={
            "Rows come first": """
def stride_cell(token, width, stride):
    y, x = divmod(token, width)
    return x * stride, y * stride, (x + 1) * stride, (y + 1) * stride
""",
            "half-open": """
def stride_cell(token, width, stride):
    y, x = divmod(token, width)
    return y * stride, x * stride, (y + 1) * stride - 1, (x + 1) * stride - 1
""",
            "far edges": """
def stride_cell(token, width, stride):
    y, x = divmod(token, width)
    return y * stride, x * stride, stride, stride
""",
            "You gave cells": """
def stride_cell(token, width, stride):
    y, x = divmod(token, width)
    return y, x, y + 1, x + 1
""",
            "In line 2 of your cell": "def stride_cell(token, width, stride):\n    return token / 0",
        },
    ),
}

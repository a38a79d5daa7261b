from support.variants import Variants

MASK = """
import torch
def who_sees_whom(picture, question, answer):
    first, n = picture + question, picture + question + answer
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    mask[:, :first] = True
    {}
"""
WAKE = """
import torch
from torch import nn
def wake(layer):
    {}
"""
COUNT = "import numpy as np\nimport torch\nnumbers_in_llavas_projector = {}"

VARIANTS = {
    "7.1": Variants(
        right=(
            """
import torch
def who_sees_whom(picture, question, answer):
    first, length = picture + question, picture + question + answer
    row, column = torch.arange(length)[:, None], torch.arange(length)
    return (column < first) | ((row >= first) & (column <= row))
""",
            MASK.format("return mask.numpy()"),
            MASK.format("return mask.tolist()"),
            MASK.format("return tuple(mask)"),
        ),
        wrong={
            "a function of the course that is there already": """
from vlmteach.nn import packed_mask
def who_sees_whom(picture, question, answer):
    return packed_mask(picture + question, 1, answer)
""",
            "the causal mask, for everything": MASK.format("return torch.ones(n, n, dtype=torch.bool).tril()"),
            "Your mask is upside down": MASK.format("return ~mask"),
            "Rows and columns are exchanged": MASK.format("return mask.T"),
            "every token may look at every other": MASK.format("return torch.ones(n, n, dtype=torch.bool)"),
            "answer token 0 may look at answer token 1. The answer would look ahead": MASK.format(
                "mask[first:] = True\n    return mask"
            ),
            "picture token 0 may not look at question token 0": MASK.format(
                "mask[:picture, picture:first] = False\n    return mask"
            ),
            "picture token 0 may look at answer token 0. Picture and question would pass": MASK.format(
                "mask[:first] = True\n    return mask"
            ),
            "sees itself and what came before": MASK.format(
                "mask[first:, first:].fill_diagonal_(False)\n    return mask"
            ),
            "holds torch.float32 numbers; expected True and False (torch.bool)": MASK.format("return mask.float()"),
            "a row for each token that looks": (
                MASK.format("return mask[first:]"),
                "def who_sees_whom(picture, question, answer):\n    return [[True]]",
            ),
        },
    ),
    "7.2": Variants(
        right=tuple(
            COUNT.format(count)
            for count in (
                "20_979_712",
                "np.int64(20979712)",
                "torch.tensor(20979712)",
                "np.float32(20979712)",
                "sum(p.numel() for n in (1024, 4096) for p in torch.nn.Linear(n, 4096).parameters())",
            )
        ),
        wrong={
            "first linear layer only": COUNT.format("1024 * 4096 + 4096"),
            "second linear layer only": COUNT.format("4096 * 4096 + 4096"),
            "You counted the weights": COUNT.format("1024 * 4096 + 4096 * 4096"),
            "has a bias for each of its outputs too": COUNT.format("1024 * 4096 + 4096 + 4096 * 4096"),
            "does not start from 1024 again": COUNT.format("2 * (1024 * 4096 + 4096)"),
            "All tokens share one projector": COUNT.format("576 * 20_979_712"),
            "you kept it at 1024": COUNT.format("1024 * 1024 + 1024 + 1024 * 4096 + 4096"),
            "expected a number": COUNT.format("'21M'"),
            "20979711 is not it": COUNT.format("20979711"),
        },
    ),
    "7.3": Variants(
        right=(
            WAKE.format("nn.init.ones_(layer.gate)"),
            WAKE.format("""nn.init.ones_(layer.gate)
    last = [m for m in layer.mlp.modules() if isinstance(m, nn.Linear)][-1]
    nn.init.zeros_(last.weight); nn.init.zeros_(last.bias); nn.init.ones_(layer.mlp_gate)"""),
            WAKE.format("nn.init.normal_(layer.attend.proj.bias)"),
            WAKE.format("nn.init.normal_(layer.attend.proj.weight, std=1e-3)"),
            WAKE.format("layer.gate.data -= 5"),
            WAKE.format("layer.gate = nn.Parameter(torch.tensor(0.5))\n    return layer"),
        ),
        wrong={
            "still ignores the picture": WAKE.format("pass"),
            "one of the two must not be zero": (
                WAKE.format("nn.init.normal_(layer.attend.q.weight)"),
                WAKE.format("nn.init.ones_(layer.gate)\n    layer.requires_grad_(False)"),
            ),
            "the gate and the projection are now both different from zero": WAKE.format(
                "nn.init.ones_(layer.gate)\n    nn.init.normal_(layer.attend.proj.weight)"
            ),
            "The MLP's gate is open and the MLP gives something": WAKE.format("nn.init.ones_(layer.mlp_gate)"),
            "changes the text at the start": WAKE.format("nn.init.constant_(layer.gate, torch.nan)"),
            "Change that one, in place": (
                "def wake(l):\n    return type(l)(16, 32, num_heads=4)",
                "import copy\ndef wake(l):\n    l = copy.deepcopy(l)\n    l.gate.data += 1\n    return l",
            ),
            "the layer does not run any more": (
                WAKE.format("layer.attend.proj = nn.Linear(3, 3)"),
                WAKE.format("del layer.gate"),
            ),
            "line 5 of your cell, `layer.gate = 1.0`": WAKE.format("layer.gate = 1.0"),
            "Give the function itself, without calling it": "wake = 1.0",
        },
    ),
}

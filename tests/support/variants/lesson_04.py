from support.variants import Variants

ATTEND = """
import torch
import torch.nn.functional as F
from torch import nn
import vlmteach.nn
def attend(query, key, value):
    N, M, d = query.shape[-2], key.shape[-2], query.shape[-1]
    scores = query @ key.transpose(-2, -1)
    return {}
"""
MASK = """
import torch
def make_mask(pictures, words):
    n = pictures + words
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    mask[:, :pictures] = True
    {}
"""

VARIANTS = {
    "4.1": Variants(
        right=(
            "import numpy as np\nblue_to_itself = np.float32([0.56])",
            "import torch\nblue_to_itself = torch.tensor([1.0, 0, 2, 0, 0]).softmax(0)[2]",
            "blue_to_itself = 0.564",
        ),
        wrong={
            "kept token 4": "blue_to_itself = 0.47",
            "You set token 4's score to 0": ("blue_to_itself = 0.524", "blue_to_itself = 0.52"),
            "what token 2 gives to token 0": ("blue_to_itself = 0.205", "blue_to_itself = 0.21"),
            "left out the scale": "import math\nblue_to_itself = math.e**4 / (math.e**4 + math.e**2 + 3)",
            "its square root, 2": "blue_to_itself = 0.37",
            "exponentials first": "blue_to_itself = 2 / 3",
            "left the zeros out": "blue_to_itself = 7.389 / (7.389 + 2.718)",
            "even spread": "blue_to_itself = 1 / 5",
            "Divide it by the sum": "blue_to_itself = 7.389",
            "give two": "blue_to_itself = 0.6",
            "You gave percent": ("blue_to_itself = 56", "blue_to_itself = 56.4", "blue_to_itself = 56.37"),
            "is not it": "blue_to_itself = 0.5",
            "expected a number": "blue_to_itself = '0.56'",
        },
    ),
    "4.2": Variants(
        right=(
            """
import torch
def attend(query, key, value):
    scores = torch.einsum("bhnd,bhmd->bhnm", query, key) * query.shape[-1] ** -0.5
    powers = (scores - scores.amax(dim=-1, keepdim=True)).exp()
    return torch.einsum("bhnm,bhmd->bhnd", powers / powers.sum(dim=-1, keepdim=True), value)
""",
            """
import numpy as np
import torch
def attend(q, k, v):
    p = np.exp(q.numpy() @ k.numpy().swapaxes(-1, -2) / np.sqrt(q.shape[-1]))
    p /= p.sum(-1, keepdims=True)
    return torch.from_numpy(p @ v.numpy())
""",
            """
def attend(q, k, v):
    q, k, v = q.double(), k.double(), v.double()
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
""",
            """
def attend(q, k, v):
    q, k, v = q.half(), k.half(), v.half()
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
""",
            """
import torch
def attend(query, key, value):
    def one(q, k, v):
        return ((q @ k.T / q.shape[-1] ** 0.5).softmax(-1) @ v).tolist()
    return [[one(*head) for head in zip(*heads)] for heads in zip(query, key, value)]
""",
        ),
        wrong={
            "left out the scale": ATTEND.format("scores.softmax(dim=-1) @ value"),
            "divided by the head width": ATTEND.format("(scores / d).softmax(dim=-1) @ value"),
            "You divided by 2.": (ATTEND.format("(scores / 2).softmax(dim=-1) @ value"),),
            "width of the model": ATTEND.format("(scores / (query.shape[1] * d) ** 0.5).softmax(dim=-1) @ value"),
            "by the number of queries": ATTEND.format("(scores / N ** 0.5).softmax(dim=-1) @ value"),
            "by the number of keys": ATTEND.format("(scores / M ** 0.5).softmax(dim=-1) @ value"),
            "You scaled after the softmax": (
                ATTEND.format("scores.softmax(dim=-1) / d ** 0.5 @ value"),
                ATTEND.format("scores.softmax(dim=-1) @ value / d ** 0.5"),
            ),
            "You multiplied by √d": ATTEND.format("(scores * d ** 0.5).softmax(dim=-1) @ value"),
            "You masked later keys": (
                ATTEND.format(
                    "(scores / d ** 0.5).masked_fill(~torch.ones(N, M).tril().bool(), -torch.inf).softmax(-1) @ value"
                ),
                ATTEND.format(
                    "(scores / d ** 0.5).masked_fill(~torch.ones(N, M).tril(M - N).bool(), -1e9).softmax(-1) @ value"
                ),
            ),
            "over the queries": ATTEND.format("(scores / d ** 0.5).softmax(dim=-2) @ value"),
            "over the heads": ATTEND.format("(scores / d ** 0.5).softmax(dim=1) @ value"),
            "mixed the keys": ATTEND.format("(scores / d ** 0.5).softmax(dim=-1) @ key"),
            "no softmax": ATTEND.format("scores / d ** 0.5 @ value"),
            "returned the weights": ATTEND.format("(scores / d ** 0.5).softmax(dim=-1)"),
            "attention that is there already": (
                ATTEND.format("F.scaled_dot_product_attention(query, key, value)"),
                ATTEND.format("torch.ops.aten.scaled_dot_product_attention.default(query, key, value)"),
                ATTEND.format("torch._C._nn.scaled_dot_product_attention(query, key, value)"),
                ATTEND.format("vlmteach.nn.attention(query, key, value)[0]"),
                ATTEND.format("vlmteach.nn.attention(query, key, value)"),
                "from vlmteach.nn.attention import fused_attention as attend",
                "import vlmteach.nn\nattend = lambda q, k, v: vlmteach.nn.attention(q, k, v)[0]",
                "from torch.nn.functional import scaled_dot_product_attention as attend",
                "import functools\nfrom vlmteach.nn import attention\nattend = functools.partial(attention, mask=None)",
                """
import torch
from torch import nn
def attend(query, key, value):
    B, h, N, d = query.shape
    flat = [given.transpose(1, 2).flatten(2) for given in (query, key, value)]
    layer = nn.MultiheadAttention(h * d, h, bias=False, batch_first=True).eval()
    layer.in_proj_weight.data = torch.eye(h * d).repeat(3, 1)
    layer.out_proj.weight.data = torch.eye(h * d)
    with torch.no_grad():
        return layer(*flat)[0].unflatten(2, (h, d)).transpose(1, 2)
""",
                """
from torch.nn.attention.flex_attention import flex_attention
def attend(query, key, value):
    return flex_attention(query, key, value)
""",
                """
from types import SimpleNamespace
from transformers.models.vit.modeling_vit import eager_attention_forward
def attend(query, key, value):
    layer = SimpleNamespace(training=False)
    return eager_attention_forward(layer, query, key, value, None, query.shape[-1] ** -0.5)[0].transpose(1, 2)
""",
            ),
            "returned a tuple of 2; expected one tensor (B, heads, N, d)": ATTEND.format("(scores @ value, scores)"),
            "softmax(scores / √d) over the keys": ATTEND.format("(scores / d ** 0.5).sigmoid() @ value"),
            "also wrote into query": (
                "def attend(q, k, v):\n    q /= q.shape[-1] ** 0.5\n    return (q @ k.mT).softmax(-1) @ v"
            ),
            "also wrote into value": (
                "def attend(q, k, v):\n    o = (q @ k.mT / q.shape[-1]**.5).softmax(-1) @ v\n    v *= 0\n    return o"
            ),
            "Raised. In line 2 of your cell": """def attend(query, key, value):
    return (query @ key / query.shape[-1] ** 0.5).softmax(dim=-1) @ value
""",
        },
    ),
    "4.3": Variants(
        right=(
            """
import torch
def make_mask(pictures, words):
    rows = torch.arange(pictures + words)[:, None]
    columns = torch.arange(pictures + words)
    return (columns < pictures) | (columns <= rows)
""",
            MASK.format("return mask.numpy()"),
            MASK.format("return mask.tolist()"),
        ),
        wrong={
            "upside down": MASK.format("return ~mask"),
            "the causal mask, for everything": MASK.format("return torch.ones(n, n, dtype=torch.bool).tril()"),
            "Rows and columns are exchanged": MASK.format("return mask.T"),
            "every token may look at every other": MASK.format("return torch.ones(n, n, dtype=torch.bool)"),
            "picture token 0 may look at word 0. Words come later": MASK.format("mask[0] = True\n    return mask"),
            "word 0 may not look at picture token 0. The picture is there at once": MASK.format(
                "return torch.block_diag(torch.ones(pictures, pictures), torch.ones(words, words).tril()).bool()"
            ),
            "For pictures = 1, words = 2: row 1, column 2: in your mask word 0 may look at word 1": MASK.format(
                "mask[pictures:] = True\n    return mask"
            ),
            "the diagonal belongs": MASK.format("mask[pictures:, pictures:].fill_diagonal_(False)\n    return mask"),
            "holds torch.float32 numbers; expected True and False": MASK.format("return mask.float()"),
            "holds numbers; expected True and False": MASK.format("return mask.long().tolist()"),
            "a row for each token that looks": MASK.format("return mask[pictures:, pictures:]"),
            "did you print instead of return?": MASK.format("print(mask)"),
        },
    ),
}

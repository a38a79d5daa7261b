from support.variants import Variants

BLOCK = """
import torch
import torch.nn.functional as F
from torch import nn
def block_of(x, weights, num_heads):
    linear = lambda x, name: F.linear(x, weights[name + ".weight"], weights[name + ".bias"])
    norm = lambda x, name: F.layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], 1e-6)
    def attend(x, width=None, causal=False):
        q, k, v = linear(x, "attn.qkv").unflatten(2, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
        scores = q @ k.mT / (width or q.shape[-1]) ** 0.5
        if causal:
            scores = scores.masked_fill(~torch.ones(scores.shape[-2:]).tril().bool(), -1e9)
        return linear((scores.softmax(-1) @ v).transpose(1, 2).flatten(2), "attn.proj")
    def mlp(x, act=F.gelu):
        return linear(act(linear(x, "mlp.fc1")), "mlp.fc2")
    {}
"""
VIT = (
    (
        BLOCK.format("x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'))")
        + """
def vit_of(image, weights, num_heads):
    kernel = weights["patch_embed.proj.weight"]
    grid = F.conv2d(image, kernel, weights["patch_embed.proj.bias"], stride=kernel.shape[-1])
    x, cls, places = grid.flatten(2).mT, weights["cls_token"].expand(len(image), -1, -1), weights["pos_embed"]
    depth = len(set(name.split(".")[1] for name in weights if name.startswith("blocks.")))
    def run(x, numbers=range(depth)):
        for i in numbers:
            part = dict((n[len(f"blocks.{{i}}."):], w) for n, w in weights.items() if n.startswith(f"blocks.{{i}}."))
            x = block_of(x, part, num_heads)
        return x
    norm = lambda x: F.layer_norm(x, x.shape[-1:], weights["norm.weight"], weights["norm.bias"], 1e-6)
    {}
"""
    )
    .replace("{{", "{")
    .replace("}}", "}")
)


def vit(lines: str) -> str:
    return VIT.replace("    {}\n", f"    {lines}\n")


# timm's own class, with torch's attention in it and with the four operations written out
TIMM = """
from functools import partial
from timm.models.vision_transformer import Block
from torch import nn
def block_of(x, weights, num_heads):
    hidden, dim = weights["mlp.fc1.weight"].shape
    norm = partial(nn.LayerNorm, eps=1e-6)
    block = Block(dim, num_heads, mlp_ratio=hidden / dim, qkv_bias=True, norm_layer=norm).eval()
    block.attn.fused_attn = {fused}
    block.load_state_dict(weights)
    return block(x).detach()
"""

VARIANTS = {
    "5.1": Variants(
        right=(
            "D = 384\nparameters_of_a_block = 3*D*D + 3*D + D*D + D + 2 * 4*D*D + 4*D + D + 2 * 2*D",
            "from vlmteach.nn import TransformerBlock\n"
            "parameters_of_a_block = sum(p.numel() for p in TransformerBlock(384, num_heads=6).parameters())",
            "import numpy as np\nparameters_of_a_block = np.int64(1774464)",
        ),
        wrong={
            "These are the matrices": "parameters_of_a_block = 12 * 384**2",
            "two norms are missing": "parameters_of_a_block = 12 * 384**2 + 9 * 384",
            "it has a weight too": "parameters_of_a_block = 12 * 384**2 + 11 * 384",
            "biases of the linear layers are missing": "parameters_of_a_block = 12 * 384**2 + 4 * 384",
            "proj, is missing": "parameters_of_a_block = 11 * 384**2 + 12 * 384",
            "That is the MLP and the norms": "parameters_of_a_block = 8 * 384**2 + 9 * 384",
            "That is the MLP alone": "parameters_of_a_block = 8 * 384**2 + 5 * 384",
            "That is the attention alone": "parameters_of_a_block = 4 * 384**2 + 4 * 384",
            "one of q, k and v only": "parameters_of_a_block = 10 * 384**2 + 11 * 384",
            "as wide as the tokens": "parameters_of_a_block = 6 * 384**2 + 10 * 384",
            "all twelve blocks": "parameters_of_a_block = 12 * (12 * 384**2 + 13 * 384)",
            "is not it": "parameters_of_a_block = 1_000_000",
        },
    ),
    "5.2": Variants(
        right=(
            BLOCK.format("y = attend(norm(x, 'norm1')) + x\n    return y + mlp(norm(y, 'norm2'))"),
            BLOCK.format(
                "x = x.double(); weights = {n: w.double() for n, w in weights.items()}\n"
                "    x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'))"
            ),
            """
import torch
from torch import nn
def block_of(x, weights, num_heads):
    D = x.shape[-1]
    norms = [nn.LayerNorm(D, eps=1e-6) for _ in range(2)]
    for norm, name in zip(norms, ["norm1", "norm2"]):
        norm.load_state_dict({"weight": weights[name + ".weight"], "bias": weights[name + ".bias"]})
    h = norms[0](x) @ weights["attn.qkv.weight"].T + weights["attn.qkv.bias"]
    out = []
    for i in range(num_heads):
        d = D // num_heads
        q, k, v = (h[..., part * D + i * d : part * D + (i + 1) * d] for part in range(3))
        out.append(torch.softmax(q @ k.transpose(1, 2) / d ** 0.5, dim=2) @ v)
    x = x + torch.cat(out, dim=2) @ weights["attn.proj.weight"].T + weights["attn.proj.bias"]
    h = norms[1](x) @ weights["mlp.fc1.weight"].T + weights["mlp.fc1.bias"]
    h = 0.5 * h * (1 + torch.erf(h / 2 ** 0.5))
    return (x + h @ weights["mlp.fc2.weight"].T + weights["mlp.fc2.bias"]).detach()
""",
        ),
        wrong={
            "You replaced x both times": BLOCK.format("return mlp(norm(attend(norm(x, 'norm1')), 'norm2'))"),
            "second residual connection is missing": BLOCK.format(
                "x = x + attend(norm(x, 'norm1'))\n    return mlp(norm(x, 'norm2'))"
            ),
            "post-norm": BLOCK.format("x = norm(x + attend(x), 'norm1')\n    return norm(x + mlp(x), 'norm2')"),
            "added the branches to the *normed* tokens": BLOCK.format(
                "x = norm(x, 'norm1')\n    x = x + attend(x)\n    x = norm(x, 'norm2')\n    return x + mlp(x)"
            ),
            "There is no norm": BLOCK.format("x = x + attend(x)\n    return x + mlp(x)"),
            "used norm1 twice": BLOCK.format("x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm1'))"),
            "Both branches read the same x": BLOCK.format(
                "return x + attend(norm(x, 'norm1')) + mlp(norm(x, 'norm2'))"
            ),
            "The MLP is missing": BLOCK.format("return x + attend(norm(x, 'norm1'))"),
            "not a ReLU": BLOCK.format(
                "x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'), F.relu)"
            ),
            "no activation": BLOCK.format(
                "x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'), lambda h: h)"
            ),
            "tanh approximation": BLOCK.format(
                "x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'), nn.GELU('tanh'))"
            ),
            "split qkv into heads first": BLOCK.format(
                "x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'))"
            ).replace("(3, num_heads, -1)).permute(2, 0, 3, 1, 4)", "(num_heads, 3, -1)).permute(3, 0, 2, 1, 4)"),
            "by the width of the model": BLOCK.format(
                "x = x + attend(norm(x, 'norm1'), x.shape[-1])\n    return x + mlp(norm(x, 'norm2'))"
            ),
            "masked later tokens": BLOCK.format(
                "x = x + attend(norm(x, 'norm1'), causal=True)\n    return x + mlp(norm(x, 'norm2'))"
            ),
            "a single head": BLOCK.format(
                "num_heads = 1\n    x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'))"
            ),
            "already, torch's, the course's or another library's": (
                *(TIMM.format(fused=fused) for fused in (True, False)),
                """
import torch
from torch import nn
def block_of(x, weights, num_heads):
    hidden, dim = weights["mlp.fc1.weight"].shape
    layer = nn.TransformerEncoderLayer(dim, num_heads, hidden, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True)
    theirs = ("self_attn.in_proj_", "self_attn.out_proj.", "linear1.", "linear2.", "norm1.", "norm2.")
    timms = ("attn.qkv.", "attn.proj.", "mlp.fc1.", "mlp.fc2.", "norm1.", "norm2.")
    names = dict(zip(theirs, timms))
    layer.load_state_dict({a + end: weights[b + end] for a, b in names.items() for end in ("weight", "bias")})
    with torch.no_grad():
        return layer.eval()(x)
""",
                """
from vlmteach.nn import TransformerBlock
def block_of(x, weights, num_heads):
    block = TransformerBlock(x.shape[-1], num_heads=num_heads, mlp_ratio=len(weights["mlp.fc1.bias"]) / x.shape[-1])
    block.load_state_dict(weights)
    return block(x).detach()
""",
                BLOCK.format("x = x + attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'))").replace(
                    "(scores.softmax(-1) @ v)", "F.scaled_dot_product_attention(q, k, v)"
                ),
            ),
            "also wrote into x": BLOCK.format(
                "x += attend(norm(x, 'norm1'))\n    x += mlp(norm(x, 'norm2'))\n    return x"
            ),
            "did you print instead of return?": BLOCK.format("print(x + attend(norm(x, 'norm1')))"),
            "Compare with the two lines": BLOCK.format(
                "x = x - attend(norm(x, 'norm1'))\n    return x + mlp(norm(x, 'norm2'))"
            ),
        },
    ),
    "5.3": Variants(
        right=(
            vit("return norm(run(torch.cat([cls + places[:, :1], x + places[:, 1:]], dim=1)))"),
            vit("return norm(run(torch.cat([cls, x], 1) + places)).numpy()"),
        ),
        wrong={
            "The positions are missing": vit("return norm(run(torch.cat([cls, x], 1)))"),
            "CLS token got no position": vit("return norm(run(torch.cat([cls, x + places[:, 1:]], 1)))"),
            "norm after the last block is missing": vit("return run(torch.cat([cls, x], 1) + places)"),
            "column by column": vit("return norm(run(torch.cat([cls, grid.mT.flatten(2).mT], 1) + places))"),
            "CLS token at the end": vit("return norm(run(torch.cat([x, cls], 1) + places))"),
            "Only the first block ran": vit("return norm(run(torch.cat([cls, x], 1) + places, range(1)))"),
            "from the last to the first": vit("return norm(run(torch.cat([cls, x], 1) + places, range(depth)[::-1]))"),
            "Return all tokens, the CLS token first": vit("return norm(run(torch.cat([cls, x], 1) + places))[:, 1:]"),
            "the CLS token alone": vit("return norm(run(torch.cat([cls, x], 1) + places))[:, 0]"),
            "already, torch's, the course's or another library's": (
                """
from timm.models.vision_transformer import VisionTransformer
def vit_of(image, weights, num_heads):
    dim, _, patch, _ = weights["patch_embed.proj.weight"].shape
    depth = sum(name.endswith("norm1.weight") for name in weights)
    vit = VisionTransformer(tuple(image.shape[-2:]), patch, num_classes=0, embed_dim=dim, depth=depth,
                            num_heads=num_heads, global_pool="token").eval()
    for block in vit.blocks:
        block.attn.fused_attn = False
    vit.load_state_dict(weights)
    return vit.forward_features(image).detach()
""",
            ),
            "Go through it in order": vit("return norm(run(torch.cat([-cls, x], 1) + places))"),
        },
    ),
}

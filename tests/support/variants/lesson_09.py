from support.variants import Variants

COSINES = """
import torch
def most_alike(tokens, index, k):
    unit = tokens / tokens.norm(dim=-1, keepdim=True)
    cosine = unit @ unit[index]
"""
SENTENCES = """decided_by = dict(zip([
    "DINOv2 hands on 261 tokens at 224 x 224",
    "a unit of ResNet-50's first stage cannot see the whole picture",
    "the token of one eye is most like the token of the other eye",
    "a head of the first layer looks only at its neighbours",
    "CLIP's ResNet-50 can weigh any cell of its grid against any other",
], {}))"""
A, W = "architecture", "weights"

VARIANTS = {
    "9.1": Variants(
        alternative="""
def tokens_handed(height, width, patch, prefix):
    return prefix + height * width // patch**2
""",
        mistakes={
            "handed on too": "def tokens_handed(h, w, patch, prefix):\n    return (h // patch) * (w // patch)",
            "need not be square": "def tokens_handed(h, w, patch, prefix):\n    return (h // patch) ** 2 + prefix",
            "patch × patch pixels": "def tokens_handed(h, w, patch, prefix):\n    return h * w // patch + prefix",
            "multiply rows by columns": (
                "def tokens_handed(h, w, patch, prefix):\n    return h // patch + w // patch + prefix"
            ),
            "expected 197": "def tokens_handed(h, w, patch, prefix):\n    return 0",
        },
    ),
    "9.2": Variants(
        alternative=COSINES
        + """    order = sorted(range(len(tokens)), key=lambda i: -cosine[i])
    return [i for i in order if i != index][:k]
""",
        mistakes={
            "itself is among them": COSINES + "    return cosine.argsort(descending=True)[:k]",
            "largest dot products": """
import torch
def most_alike(tokens, index, k):
    dot = tokens @ tokens[index]
    dot[index] = -torch.inf
    return dot.argsort(descending=True)[:k]
""",
            "smallest distances": """
import torch
def most_alike(tokens, index, k):
    distance = (tokens - tokens[index]).norm(dim=-1)
    distance[index] = torch.inf
    return distance.argsort()[:k]
""",
            "least alike": COSINES + "    return cosine.argsort()[:k]",
            "in another order": COSINES
            + "    cosine[index] = -torch.inf\n    return cosine.argsort(descending=True)[:k].flip(0)",
            "use index": COSINES.replace("unit[index]", "unit[0]")
            + "    cosine[0] = -torch.inf\n    return cosine.argsort(descending=True)[:k]",
        },
    ),
    "9.3": Variants(
        alternative=SENTENCES.format([A, A, W, W, A]),
        mistakes={
            "holds for any weights": SENTENCES.format([A, W, W, W, A]),
            "what is done": SENTENCES.format([A, A, W, A, A]),
            "stands 'both'": SENTENCES.format([A, A, W, "both", A]),
            "Keep the dictionary": "decided_by = {}",
        },
    ),
}

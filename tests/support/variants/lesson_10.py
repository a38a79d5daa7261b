from support.variants import Variants

COUNT = "def tokens_handed(h, w, patch, prefix):\n    return {}"
COSINES = """
import torch
def most_alike(tokens, index, k):
    unit = tokens / tokens.norm(dim=-1, keepdim=True)
    cosine = unit @ unit[index]
    {}
"""


def ranked(scores):
    return COSINES.format(
        f"score = {scores}\n    score[index] = -torch.inf\n    return score.argsort(descending=True)[:k]"
    )


SENTENCES = """decided_by = dict(zip([
    "DINOv2 returns 261 tokens at 224 x 224",
    "a unit of ResNet-50's first stage cannot see the whole picture",
    "the token of one eye is most like the token of the other eye",
    "a head of the first layer looks only at its neighbours",
    "CLIP's ResNet-50 can weigh any cell of its grid against any other",
], {}))"""
A, W = "architecture", "weights"

VARIANTS = {
    "10.1": Variants(
        right=(
            "def tokens_handed(height, width, patch, prefix):\n    return prefix + height * width // patch**2",
            COUNT.format("prefix + h / patch * w / patch"),
            "import torch\ndef tokens_handed(h, w, patch, prefix):\n"
            "    return len(torch.nn.functional.unfold(torch.ones(1, 1, h, w), patch, stride=patch)[0].T) + prefix",
        ),
        wrong={
            "they are returned too": COUNT.format("(h // patch) * (w // patch)"),
            "used the height twice": COUNT.format("(h // patch) ** 2 + prefix"),
            "used the width twice": COUNT.format("(w // patch) ** 2 + prefix"),
            "patch × patch pixels": COUNT.format("h * w // patch + prefix"),
            "multiply rows by columns": COUNT.format("h // patch + w // patch + prefix"),
            "You added one token, whatever": COUNT.format("(h // patch) * (w // patch) + 1"),
            "in front twice": COUNT.format("(h // patch) * (w // patch) + 2 * prefix"),
            "once for each row of patches": COUNT.format("(h // patch) * (w // patch + prefix)"),
            "You multiplied by the number of tokens in front": COUNT.format("(h // patch) * (w // patch) * prefix"),
            "along both sides": COUNT.format("(h // patch + prefix) * (w // patch + prefix)"),
            "you gave 0; expected 8.": COUNT.format("0"),
        },
    ),
    "10.2": Variants(
        right=(
            COSINES.format("""order = sorted(range(len(tokens)), key=lambda i: -cosine[i])
    return [i for i in order if i != index][:k]"""),
            COSINES.format("return tuple(i for i in cosine.argsort(descending=True) if i != index)[:k]"),
            """
import numpy as np
def most_alike(tokens, index, k):
    tokens = tokens.numpy()
    cosine = tokens @ tokens[index] / np.linalg.norm(tokens, axis=1)
    cosine[index] = -np.inf
    return np.argsort(-cosine)[:k]
""",
            COSINES.format("cosine[index] = -2\n    return cosine.topk(k).indices.float()"),
            COSINES.format("cosine[index] = -2\n    return cosine.topk(k).indices.squeeze()"),
        ),
        wrong={
            "itself is among them": COSINES.format("return cosine.argsort(descending=True)[:k]"),
            "largest dot products": ranked("tokens @ tokens[index]"),
            "smallest distances": ranked("-(tokens - tokens[index]).norm(dim=-1)"),
            "least alike": ranked("-cosine"),
            "without its sign": ranked("cosine.abs()"),
            "Here the cosine is not centred": (
                COSINES.format(
                    "tokens = tokens - tokens.mean(dim=0)\n    unit = tokens / tokens.norm(dim=-1, keepdim=True)\n"
                    "    cosine = unit @ unit[index]\n    cosine[index] = -2\n    return cosine.topk(k).indices"
                ),
            ),
            "in reverse": COSINES.format(
                "cosine[index] = -torch.inf\n    return cosine.argsort(descending=True)[:k].flip(0)"
            ),
            "sorted by index": COSINES.format(
                "cosine[index] = -torch.inf\n    return cosine.topk(k).indices.sort().values"
            ),
            "use index": COSINES.replace("unit[index]", "unit[0]").format(
                "cosine[0] = -torch.inf\n    return cosine.argsort(descending=True)[:k]"
            ),
            "return the indices alone": COSINES.format("cosine[index] = -torch.inf\n    return cosine.topk(k)"),
            "These are the cosines": COSINES.format("cosine[index] = -torch.inf\n    return cosine.topk(k).values"),
            "returned a set of": COSINES.format(
                "cosine[index] = -torch.inf\n    return set(cosine.topk(k).indices.tolist())"
            ),
            "also wrote into tokens": COSINES.format(
                "tokens[index] = -tokens[index]\n    cosine[index] = -2\n    return cosine.topk(k).indices"
            ),
        },
    ),
    "10.3": Variants(
        right=(
            SENTENCES.format([A, A, W, W, A]),
            SENTENCES.format(["Architecture", "ARCHITECTURE ", "Weights", W, A]),
        ),
        wrong={
            "holds for any weights": SENTENCES.format([A, W, W, W, A]),
            "what a network does": SENTENCES.format([A, A, W, A, A]),
            "you wrote 'both'": SENTENCES.format([A, A, W, "both", A]),
            "is missing from": "decided_by = {}",
            "keep it a dictionary": "decided_by = None, 1",
        },
    ),
}

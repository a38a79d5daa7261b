"""Exercises of lesson 09: real encoders, your own picture."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vlmteach.course.exercises.exercise import Exercise, Wrong

# (height, width, patch, prefix) -> tokens, as timm's own ViTs return them
BILLS = {
    (224, 224, 16, 1): 197,
    (224, 224, 14, 5): 261,
    (224, 448, 32, 1): 99,
    (336, 336, 14, 1): 577,
    (224, 224, 16, 0): 196,
}


def _examine_tokens_handed(tokens_handed: Callable[[int, int, int, int], int]) -> None:
    for (height, width, patch, prefix), tokens in BILLS.items():
        counted = tokens_handed(height, width, patch, prefix)
        if counted == tokens:
            continue
        case = f"For {height} × {width} pixels, patches of {patch} and {prefix} tokens in front you gave {counted!r}"
        known = {
            tokens - prefix: "those in front are handed on too.",
            (height // patch) ** 2 + prefix: "the picture need not be square: rows and columns differ.",
            height * width // patch + prefix: "a patch is as wide as it is high, so it covers patch × patch pixels.",
            height // patch + width // patch + prefix: "multiply rows by columns.",
        }
        raise Wrong(f"{case}; {known.get(counted, f'expected {tokens}.')}")


tokens_handed = Exercise(
    number="9.1",
    examine=_examine_tokens_handed,
    praise="A picture twice as wide costs twice the patches, and the tokens in front are paid only once.",
    hints=("How many patches fit along the height, and how many along the width?", "Do not forget CLS and registers."),
    answer="""def tokens_handed(height, width, patch, prefix):
    return (height // patch) * (width // patch) + prefix""",
)

# directions and lengths chosen so that cosine, dot product and distance each give another order
TOKENS = torch.tensor([[2.0, 0.0], [0.3, 0.0], [30.0, 20.0], [1.0, 1.5], [2.0, -0.9], [-1.0, 0.0]])
NEAREST = [1, 4, 2, 3, 5]  # to token 0, by angle: 0°, 24°, 34°, 56°, 180°


def _examine_most_alike(most_alike: Callable[[Tensor, int, int], Tensor]) -> None:
    for k in (3, 1, 5):
        found = torch.as_tensor(most_alike(TOKENS.clone(), 0, k)).flatten().tolist()
        if found != NEAREST[:k]:
            raise Wrong(
                f"Of six tokens, the {k} nearest to token 0 were {found} by your code. {_name_mistake(found, k)}"
            )
    found = torch.as_tensor(most_alike(TOKENS.clone(), 3, 1)).flatten().tolist()
    if found != [2]:
        raise Wrong(f"The nearest to token 3 was {found} by your code; expected [2]. Does it use index?")


def _name_mistake(found: list[int], k: int) -> str:
    dot = TOKENS @ TOKENS[0]
    distance = (TOKENS - TOKENS[0]).norm(dim=-1)
    without = [i for i in range(len(TOKENS)) if i != 0]
    if 0 in found:
        return "Token 0 itself is among them; leave it out."
    if sorted(found) == sorted(NEAREST[:k]):
        return "These are the right ones in another order; the nearest comes first."
    if found == sorted(without, key=lambda i: -float(dot[i]))[:k]:
        return "These have the largest dot products; a long token wins that without pointing the same way."
    if found == sorted(without, key=lambda i: float(distance[i]))[:k]:
        return "These have the smallest distances; the cosine looks at directions only."
    if found == NEAREST[::-1][:k]:
        return "These are the least alike; a large cosine means alike."
    return f"Expected {NEAREST[:k]}."


most_alike = Exercise(
    number="9.2",
    examine=_examine_most_alike,
    praise="Direction tells what a token is about; its length does not enter.",
    hints=(
        "Divide every token by its length, then the dot product is the cosine.",
        "Set the token's own cosine to something that can never win before you sort.",
    ),
    answer="""import torch
from torch.nn import functional as F

def most_alike(tokens, index, k):
    unit = F.normalize(tokens, dim=-1)
    cosine = unit @ unit[index]
    cosine[index] = -torch.inf
    return cosine.argsort(descending=True)[:k]""",
)

DECIDED_BY = {
    "DINOv2 hands on 261 tokens at 224 x 224": "architecture",
    "a unit of ResNet-50's first stage cannot see the whole picture": "architecture",
    "the token of one eye is most like the token of the other eye": "weights",
    "a head of the first layer looks only at its neighbours": "weights",
    "CLIP's ResNet-50 can weigh any cell of its grid against any other": "architecture",
}


def _examine_decided_by(decided_by: dict[str, object]) -> None:
    if not isinstance(decided_by, dict) or set(decided_by) != set(DECIDED_BY):
        raise Wrong("Keep the dictionary with its five sentences, and put a word behind each.")
    if all(word is None for word in decided_by.values()):
        raise NotImplementedError
    for sentence, word in decided_by.items():
        if word not in ("architecture", "weights"):
            raise Wrong(f"Behind {sentence!r} stands {word!r}; expected 'architecture' or 'weights'.")
    for sentence, word in decided_by.items():
        if word == DECIDED_BY[sentence]:
            continue
        if DECIDED_BY[sentence] == "architecture":
            raise Wrong(f"{sentence!r} holds for any weights: it counts, bounds, or says what is possible.")
        raise Wrong(
            f"{sentence!r} is about what is done, not about what can be done; untrained weights cannot show it."
        )


decided_by = Exercise(
    number="9.3",
    examine=_examine_decided_by,
    praise="Can and cannot belong to the architecture, does and does not to the weights.",
    hints=("Ask of each sentence: could other numbers in the same network make it false?",),
    answer="""decided_by = {
    "DINOv2 hands on 261 tokens at 224 x 224": "architecture",
    "a unit of ResNet-50's first stage cannot see the whole picture": "architecture",
    "the token of one eye is most like the token of the other eye": "weights",
    "a head of the first layer looks only at its neighbours": "weights",
    "CLIP's ResNet-50 can weigh any cell of its grid against any other": "architecture",
}""",
)

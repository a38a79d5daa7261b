from support.variants import Variants

WINDOWS = """
from collections import Counter
import numpy as np
def bag_of_windows(board, reach):
    n, steps = len(board), range(-reach, reach + 1)
    def at(r, c):
        {at}
    windows = [tuple(at(r + i, c + j) for i in steps for j in steps) for r in range(n) for c in range(n)]
    {returned}
"""


def windows(returned="return sorted(windows)", at="return board[r % n][c % n]"):
    return WINDOWS.format(returned=returned, at=at)


RIGHT = """
what_a_bag_can_tell = {
    "what shape is red ?": "possible",
    "how many circle ?": "possible",
    "which row is red ?": "impossible",
    "is red left of blue ?, in one row, one cell between them": "possible",
    "is red left of blue ?, in one row, two cells between them": "impossible",
    "is red shaped like blue ?, in one row, two cells between them": "possible",
}
"""
ARGUMENT = """
import numpy as np
argument = {
    "claim": "direct",
    "sentence": "One block of a ViT gets {cliff: vit-1, 7} far away, in {cliff slowdown: vit-1, 7} of the nearest.",
    "cites": "2108.08810",
    "verdict": "true as the length of a path",
    "change": ("cliff slowdown: vit-1, 7", ">=", 3),
}
"""
BOTH = "one block gets {cliff: vit-1, 7} far away and {cliff: vit-1, 1} nearby"


def but(**parts):
    return ARGUMENT + "".join(f"argument[{part!r}] = {value!r}\n" for part, value in parts.items())


def saying(*sentences):
    return tuple(but(sentence=f"{sentence}: {BOTH}.") for sentence in sentences)


def concluding(*verdicts):
    return tuple(but(verdict=verdict) for verdict in verdicts)


def citing(*sources):
    return tuple(but(cites=source) for source in sources)


def changed_by(*changes):
    return tuple(but(change=change) for change in changes)


MAINSTREAM = {
    "claim": "mainstream",
    "sentence": "The ViT needs fewer: {hunger: vit, 1024, where} against {hunger: cnn-large, 1024, where}.",
    "change": ("hunger: vit, 1024, where", "<=", 0.5),
}

VARIANTS = {
    "8.1": Variants(
        right=(
            """
from collections import Counter
import numpy as np
def bag_of_windows(board, reach):
    padded = np.pad(np.array(board), reach, mode="wrap")
    n, width = len(board), 2 * reach + 1
    return Counter(padded[r : r + width, c : c + width].tobytes() for r in range(n) for c in range(n))
""",
            windows("return np.array(sorted(windows))"),
            windows("return [np.array(window) for window in sorted(windows)]"),
            windows("return tuple(sorted(windows))"),
            windows("return frozenset(Counter(windows).items())"),
            windows("return str(sorted(windows))"),
        ),
        wrong={
            "stand in the order of their cells": (windows("return windows"), windows("return np.array(windows)")),
            "The borders wrap: behind the last row": (
                windows(at="return board[r][c] if 0 <= r < n and 0 <= c < n else 0"),
                windows(at="return board[r][c] if 0 <= r < n and 0 <= c < n else -1"),
                """
from collections import Counter
clip = lambda b, r: Counter(
    tuple(tuple(row[max(0, x - r) : x + r + 1]) for row in b[max(0, y - r) : y + r + 1])
    for y in range(len(b))
    for x in range(len(b))
)
bag_of_windows = clip
""",
            ),
            "You counted single cells": windows("return sorted(cell for row in board for cell in row)"),
            "Your windows have reach 1, whatever": windows().replace("range(-reach, reach + 1)", "range(-1, 2)"),
            "You made a set": (windows("return set(windows)"), windows("return sorted(set(windows))")),
            "order inside the windows": windows("return sorted(tuple(sorted(window)) for window in windows)"),
            "For the same board twice: your bags are different": windows("return (window for window in windows)"),
            "did you print instead of return?": windows("print(len(windows))"),
            "also wrote into board": windows("board[0][0] += 1\n    return sorted(windows)"),
            "reach = 1: IndexError": windows("return board[reach + len(board)]"),
        },
    ),
    "8.2": Variants(
        right=(
            RIGHT.replace("= {", "= dict(reversed(list({", 1).rstrip().removesuffix("}") + "}.items())))",
            RIGHT.replace('"possible"', '"Possible "'),
        ),
        wrong={
            "Far is not the same as relational": RIGHT.replace(
                '"is red shaped like blue ?, in one row, two cells between them": "possible"',
                '"is red shaped like blue ?, in one row, two cells between them": "impossible"',
            ),
            "so it counts": RIGHT.replace('"how many circle ?": "possible"', '"how many circle ?": "impossible"'),
            "around the border": RIGHT.replace(
                '"which row is red ?": "impossible"', '"which row is red ?": "possible"'
            ),
            "Swap them": RIGHT.replace('two cells between them": "impossible"', 'two cells between them": "possible"'),
            "expected 'possible' or 'impossible'": RIGHT.replace('"possible"', '"yes"'),
            "keep it a dictionary": "what_a_bag_can_tell = ['possible'] * 6",
        },
    ),
    "8.3": Variants(
        right=(
            but(
                sentence="A ViT-L/14 or a ResNet-50 with 3×3 kernels is not what we trained: one block of a ViT gets "
                "{cliff: vit-1, 7} far away and {cliff: vit-1, 1} nearby. It never asks how far.",
            ),
            but(claim=" Direct "),
            *saying(
                "With 3 seeds",
                "With three seeds, of 2 blocks each",
                "In 2021",
                "As lesson 05 and section 3.1 show, at distance 7",
                "On 224 × 224 pixels",
                "In 2 of 3 seeds, within 2,000 steps",
                "As 2010.11929 says",
            ),
            *concluding(
                "With three seeds we cannot tell them apart.",
                "With three seeds they cannot be told apart",
                "three seeds cannot decide",
                "This does not mean that a CNN cannot do it",
                "it is impossible to say with so few seeds",
                "nothing shows that a CNN cannot do it",
                "The article's claim that a CNN cannot relate distant regions is too strong",
                "That a CNN cannot do it is wrong",
                "'cannot' is too strong a word",
            ),
            but(
                verdict="outside its field a CNN cannot know",
                sentence="{cliff worst: outside, cnn-3} against {cliff: vit-1, 7}.",
            ),
            *citing(
                "2111.06377",
                "arXiv:2103.00020",
                "https://arxiv.org/abs/2103.00020v2",
                "2001.03615, section 4",
                "openai/CLIP:clip/model.py AttentionPool2d",
                "openai/CLIP:clip/model.py",
                ["2111.06377", "2010.11929"],
            ),
            *changed_by(
                ["cliff slowdown: vit-1, 7", ">=", 3],
                ("{cliff slowdown: vit-1, 7}", "≥", 3),
                ("cliff: vit-1, 7", "<", 0.5),
            ),
            ARGUMENT + "argument['change'] = ('cliff: vit-1, 7', '<=', np.float32(0.5))",
            but(**MAINSTREAM),
            but(
                claim="cross",
                sentence="Systems: {systems: cnn-grid, cross} and {systems: vit-patches, gated}.",
                change=("accuracy: vit, prefix, far relation", "<=", 0.3),
            ),
        ),
        wrong={
            "There is no claim 'attention'": but(claim="attention"),
            "a number typed by hand": (
                but(sentence="It gets 1.00 ({cliff: vit-1, 7}, {cliff: vit-1, 1})."),
                *saying("It is right in 95 % of cases", "After 450 steps", "With 1,200 pictures", "4.4 times faster"),
            ),
            "at least two {addresses}": (
                but(sentence="It gets {cliff: vit-1, 7}."),
                but(sentence="It gets {cliff: vit-1, 7}, I say {cliff: vit-1, 7}."),
            ),
            "{cliff:vit-1,7} is no address; expected one such as": but(sentence="It gets {cliff:vit-1,7} and {vit}."),
            "leads nowhere": (
                but(sentence="It gets {cliff: vit-9, 7} and {cliff: vit-1, 7}."),
                but(sentence="It gets {cliff: vit-1, 99} and {cliff: vit-1, 7}."),
                but(sentence="It gets {cliff: vit-1, 0} and {cliff: vit-1, 7}."),
            ),
            "expected one of dual, fusion, prefix, joined, queries, cross, gated, single": but(
                claim="cross", sentence="{systems: cnn-grid, cross-attention}, {systems: vit-patches, gated}"
            ),
            "None of your numbers is about the claim": (
                but(sentence="{guess: count} and {cost: vit, 48, tokens}."),
                but(sentence="{guess: count} and {guess: where}."),
            ),
            "stands beside no number about 'where'": but(
                **MAINSTREAM | {"sentence": "Guess {guess: where} and {accuracy: cnn-small, prefix, count}"}
            ),
            "allows 'not within so many steps'": concluding(
                "a CNN cannot do this",
                "It is impossible for a CNN",
                "A CNN can't, and we cannot say why",
                "one vector cannot",
                "The article is right. A CNN cannot do it.",
            ),
            "checked sources": citing("2199.00001", "1234.56789", "my own blog", ["2111.06377", "2199.00001"]),
            "'cites' is an int": but(cites=2111),
            "It should have changed your mind": changed_by(("cliff slowdown: vit-1, 7", "<=", 3)),
            "can be measured": changed_by("better results", (1, ">=", 3), ("cliff: vit-1, 7", ">=")),
            "is no comparison": changed_by(("cliff: vit-1, 7", "==", 0.5), ("cliff: vit-1, 7", 0.5, "<=")),
            "The last of `change` is a str; expected a number": changed_by(("cliff: vit-1, 7", "<=", "0.5")),
            "nothing could make it >= 7": changed_by(("cliff: vit-1, 7", ">=", 7)),
            "nothing could make it <= -1": changed_by(("cliff: vit-1, 7", "<=", -1)),
            "nan is nothing to compare with": ARGUMENT + "argument['change'] = ('cliff: vit-1, 7', '>=', np.nan)",
            "between 0 and 1": but(
                claim="local",
                sentence="{cliff: vit-1, 7} and {accuracy: vit, prefix, far relation}",
                change=("accuracy: vit, prefix, far relation", ">=", 7),
            ),
            "100 times away from what was measured": but(**MAINSTREAM | {"change": ("cost: vit, 384, flops", "<=", 1)}),
            "a guess rate follows from the questions": changed_by(("guess: where", ">=", 0.9)),
            "What would change your mind is not about the claim 'direct'": changed_by(
                ("cost: vit, 384, flops", "<=", 1)
            ),
            "'sentence' is an int; expected text": but(sentence=5),
            "'claim' is a list of 1; expected text": but(claim=["local"]),
            "'verdict' is a bool; expected text": but(verdict=True),
            "Still empty: verdict": but(verdict=None),
            "The part 'sentence' is gone": "argument = {'claim': 'local'}",
            "'because' is no part of an argument": but(because="so"),
            "keep it a dictionary": "argument = ('direct', 'because')",
        },
    ),
}

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
FAR = 'r.cliff.accuracy_by_distance("vit-1")[:, 6].mean()'
far = lambda r: r.cliff.accuracy_by_distance("vit-1")[:, 6].mean()
near = lambda r: r.cliff.accuracy_by_distance("vit-1")[:, 0].mean()
slowdown = lambda r: r.cliff.steps_to_level("vit-1").mean(0)[6] / r.cliff.steps_to_level("vit-1").mean(0)[0]
accuracy = lambda r: r.matrix.seeds("vit", "prefix", "far relation").mean()
argument = {
    "claim": "direct",
    "sentence": lambda r: f"One block of a ViT gets {far(r):.3f} far away, in {slowdown(r):.3f} of the nearest.",
    "cites": "2108.08810",
    "verdict": "true as the length of a path",
    "change": lambda r: slowdown(r) >= 3,
}
"""
BOTH = "one block gets {far(r):.3f} far away and {near(r):.3f} nearby"


def but(**parts):
    """The argument with other parts; the sentence and the change as code."""
    code = {"sentence", "change"}
    return ARGUMENT + "".join(
        f"argument[{part!r}] = {value if part in code else repr(value)}\n" for part, value in parts.items()
    )


def saying(*sentences):
    return tuple(but(sentence=f"lambda r: f{sentence + ': ' + BOTH + '.'!r}") for sentence in sentences)


def concluding(*verdicts):
    return tuple(but(verdict=verdict) for verdict in verdicts)


def citing(*sources):
    return tuple(but(cites=source) for source in sources)


def changed_by(*changes):
    return tuple(but(change=f"lambda r: {change}") for change in changes)


MAINSTREAM = {
    "claim": "mainstream",
    "sentence": "lambda r: ' and '.join(f'{r.hunger.curve(name)[1][1, 2]:.3f}' for name in ['vit', 'cnn-large'])",
    "change": "lambda r: r.hunger.curve('vit')[1][1, 2] <= 0.5",
}

VARIANTS = {
    "9.1": Variants(
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
    "9.2": Variants(
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
    "9.3": Variants(
        right=(
            but(
                sentence="lambda r: f'A ViT-L/14 or a ResNet-50 with 3×3 kernels is not what we trained: one block of "
                "a ViT gets {far(r):.3f} far away and {near(r):.3f} nearby. It never asks how far.'",
            ),
            but(claim=" Direct "),
            *saying(
                "With 3 seeds",
                "With three seeds, of 2 blocks each",
                "In 2021",
                "As lesson 06 and section 3.1 show, at distance 7",
                "On 224 × 224 pixels",
                "In 2 of 3 seeds, within 2,000 steps",
                "レッスン06の3.1節によると、距離7で、2,000ステップ以内に、3個のシードでは",
                "2021年のViT-L/14ではなく、2ブロックのViTでは",
                "As 2010.11929 says",
            ),
            *concluding(
                "With three seeds we cannot tell them apart.",
                "With three seeds they cannot be told apart",
                "three seeds cannot decide",
                "This does not mean that a CNN cannot do it",
                "it is impossible to say with so few seeds",
                "outside its field a CNN cannot know: that is a theorem",
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
            *changed_by("slowdown(r) > 3", "np.bool_(far(r) < 0.5)", "bool(far(r) <= np.float32(0.5))"),
            but(**MAINSTREAM),
            but(
                claim="cross",
                sentence="lambda r: f'{accuracy(r):.3f} where a guess is {r.matrix.guess(\"far relation\"):.3f}'",
                change="lambda r: accuracy(r) <= 0.3",
            ),
            but(
                claim="mainstream",
                sentence="lambda r: 'At {} pixels {:.0f}, at 48 {:.0f}.'.format(384, *(r.cost.at('vit', side, 'flops') "
                "for side in (384, 48)))",
                change=MAINSTREAM["change"],
            ),
            but(sentence="lambda r: f'It gets {far(r):.0%} far away and {near(r):.0%} nearby.'"),
            but(change="lambda r: far(r) < 0.5 if far(r) > 0 else 1 / 0"),  # raises only where a record was made up
        ),
        wrong={
            "There is no claim 'attention'": but(claim="attention"),
            "a number typed by hand": (
                but(sentence="lambda r: f'It gets 1.00 ({far(r):.3f}, {near(r):.3f}).'"),
                but(sentence="lambda r: 'It gets 1.00 far away and 0.99 nearby.'"),
                *saying("It is right in 95 % of cases", "After 450 steps", "With 1,200 pictures", "4.4 times faster"),
                *saying("ViTの正答率は0.95で", "2000ステップのあと"),
            ),
            "at least two numbers": (
                but(sentence="lambda r: f'It gets {far(r):.3f}.'"),
                but(sentence="lambda r: 'It gets much.'"),
                but(sentence="lambda r: f'At distance seven, {7} cells, it gets {far(r):.3f}.'"),
            ),
            "reads one number from r twice": (
                but(sentence="lambda r: f'It gets {far(r):.3f}, no less than {far(r):.3f}.'"),
                but(sentence="lambda r: f'It gets {far(r):.3f}, which is {far(r):.1%}.'"),
                but(sentence="lambda r: f'It gets {far(r):.0%} of all, {far(r):.2f} as a share.'"),
            ),
            "Your sentence raises on the recorded experiments": but(
                sentence="lambda r: f'{r.cliff.worst(\"vit-9\")[0]:.3f} and {far(r):.3f}'"
            ),
            "Your change raises on the recorded experiments": changed_by("r.taste > 3"),
            "Your sentence is not about the claim 'direct'": but(
                sentence='lambda r: f\'{r.cost.at("vit", 48, "flops"):.0f} and {r.cost.at("vit", 96, "flops"):.0f}\''
            ),
            "What would change your mind is not about the claim 'direct'": changed_by(
                "r.cost.at('vit', 384, 'flops') <= 1e5"
            ),
            "allows 'not within so many steps'": concluding(
                "a CNN cannot do this",
                "It is impossible for a CNN",
                "A CNN can't, and we cannot say why",
                "one vector cannot",
            ),
            "checked sources": citing("2199.00001", "1234.56789", "my own blog", ["2111.06377", "2199.00001"]),
            "'cites' is an int": but(cites=2111),
            "It should have changed your mind": changed_by("slowdown(r) <= 3"),
            "expected a comparison, which is True or False": changed_by("far(r)", "'better results'"),
            "A verdict that nothing could overturn": changed_by(
                "far(r) >= 7", "far(r) <= -1", "far(r) >= np.nan", "accuracy(r) >= 7"
            ),
            "'change' is a tuple of 3; expected a function": but(change="('cliff: vit-1, 7', '<=', 0.5)"),
            "'sentence' is an int; expected a function": but(sentence=5),
            "Your sentence returns an int; expected text": but(sentence="lambda r: 5"),
            "'claim' is a list of 1; expected text": but(claim=["local"]),
            "'verdict' is a bool; expected text": but(verdict=True),
            "Still empty: verdict": but(verdict=None),
            "Still empty: change": but(change="lambda r: None"),
            "The part 'sentence' is missing": "argument = {'claim': 'local'}",
            "'because' is not a part of an argument": but(because="so"),
            "keep it a dictionary": "argument = ('direct', 'because')",
        },
    ),
}

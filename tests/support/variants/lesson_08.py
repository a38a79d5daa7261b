from support.variants import Variants

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
argument = {
    "claim": "direct",
    "sentence": "One block of a ViT gets {cliff: vit-1, 7} far away, in {cliff slowdown: vit-1, 7} of the nearest.",
    "cites": "2108.08810",
    "verdict": "true as the length of a path",
    "change": ("cliff slowdown: vit-1, 7", ">=", 3),
}
"""


def but(**parts):
    return ARGUMENT + "".join(f"argument[{part!r}] = {value!r}\n" for part, value in parts.items())


VARIANTS = {
    "8.1": Variants(
        alternative="""
from collections import Counter
import numpy as np
def bag_of_windows(board, reach):
    padded = np.pad(np.array(board), reach, mode="wrap")
    n, width = len(board), 2 * reach + 1
    return Counter(padded[r : r + width, c : c + width].tobytes() for r in range(n) for c in range(n))
""",
        mistakes={
            "A bag has no order": """
def bag_of_windows(board, reach):
    n, steps = len(board), range(-reach, reach + 1)
    return [
        tuple(board[(r + i) % n][(c + j) % n] for i in steps for j in steps) for r in range(n) for c in range(n)
    ]
""",
            "The borders wrap": """
def bag_of_windows(board, reach):
    n, steps = len(board), range(-reach, reach + 1)
    def at(r, c):
        return board[r][c] if 0 <= r < n and 0 <= c < n else 0
    return sorted(tuple(at(r + i, c + j) for i in steps for j in steps) for r in range(n) for c in range(n))
""",
            "Two neighbours changed places": """
def bag_of_windows(board, reach):
    return sorted(cell for row in board for cell in row)
""",
            "with reach 2 your bags are equal": """
def bag_of_windows(board, reach):
    n, steps = len(board), range(-1, 2)
    return sorted(
        tuple(board[(r + i) % n][(c + j) % n] for i in steps for j in steps) for r in range(n) for c in range(n)
    )
""",
            "a set forgets that": """
def bag_of_windows(board, reach):
    n, steps = len(board), range(-reach, reach + 1)
    return {
        tuple(board[(r + i) % n][(c + j) % n] for i in steps for j in steps) for r in range(n) for c in range(n)
    }
""",
            "returns nothing": "def bag_of_windows(board, reach):\n    print(board)",
            "IndexError": "def bag_of_windows(board, reach):\n    return board[reach + len(board)]",
        },
    ),
    "8.2": Variants(
        alternative=RIGHT.replace("= {", "= dict(reversed(list({", 1).rstrip().removesuffix("}") + "}.items())))",
        mistakes={
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
            "expected the dictionary": "what_a_bag_can_tell = ['possible'] * 6",
        },
    ),
    "8.3": Variants(
        alternative=but(
            sentence="A ViT-L/14 or a ResNet-50 with 3×3 kernels is not what we trained: one block of a ViT gets "
            "{cliff: vit-1, 7} far away and {cliff: vit-1, 1} nearby. It never asks how far.",
        ),
        mistakes={
            "There is no claim 'attention'": but(claim="attention"),
            "typed by hand": but(sentence="It gets 1.00 ({cliff: vit-1, 7}, {cliff: vit-1, 1})."),
            "at least two": but(sentence="It gets {cliff: vit-1, 7}."),
            "leads nowhere": but(sentence="It gets {cliff: vit-9, 7} and {cliff: vit-1, 7}."),
            "None of your numbers is about": but(sentence="{guess: count} and {cost: vit, 48, tokens}."),
            "allows 'not within so many steps'": but(verdict="a CNN cannot do this"),
            "checked sources": but(cites="2199.00001"),
            "It should have changed your mind": but(change=("cliff slowdown: vit-1, 7", "<=", 3)),
            "can be measured": but(change="better results"),
            "is no comparison": but(change=("cliff: vit-1, 7", "<", 0.5)),
            "Still empty: verdict": but(verdict=None),
            "exactly the parts": "argument = {'claim': 'local'}",
        },
    ),
}

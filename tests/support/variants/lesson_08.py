from support.variants import Variants

MASK = """
import torch
def who_sees_whom(in_front, questions, length):
    n = in_front + questions * length
    mask = torch.zeros(n, n, dtype=torch.bool)
    mask[:, :in_front] = True
    for start in range(in_front, n, length):
        mask[start:start + length, start:start + length] = torch.ones(length, length, dtype=torch.bool).tril()
    {}
"""
SCORES = """
import torch
from vlmteach.nn import WordTokenizer
from vlmteach.pictures import VOCABULARY
tokenizer = WordTokenizer(VOCABULARY)
def answer_scores(scores, words):
    end = (words == tokenizer.numbers["?"]).int().argmax(-1)
    b, q = torch.arange(len(words))[:, None], torch.arange(words.shape[1])
    return {}
"""
BAG = """import numpy as np
import torch
can_answer = {{"attribute": {0}, "count": {1}, "where": {2}, "near relation": {3},
    "far relation": {4}, "same far": {5}}}"""

VARIANTS = {
    "8.1": Variants(
        right=(
            """
import torch
def who_sees_whom(in_front, questions, length):
    place = torch.arange(in_front + questions * length) - in_front
    question = torch.where(place < 0, -1, place // length)
    own = (question[:, None] == question) & (place[:, None] >= place)
    return (place < 0) | (own & (place >= 0))
""",
            MASK.format("return mask.numpy()"),
            MASK.format("return mask.tolist()"),
        ),
        wrong={
            "a function of the course that is there already": "from vlmteach.nn import packed_mask as who_sees_whom",
            "word 0 of question 1 may look at word 0 of question 0. A word of one question must not": """
import torch
def who_sees_whom(in_front, questions, length):
    n = in_front + questions * length
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    mask[:, :in_front] = True
    return mask
""",
            "the causal mask, for everything": MASK.format("return torch.ones(n, n, dtype=torch.bool).tril()"),
            "Your mask is upside down": MASK.format("return ~mask"),
            "Rows and columns are exchanged": MASK.format("return mask.T"),
            "what one question asks would change": MASK.format("mask[:in_front] = True\n    return mask"),
            "does not see it is blind": MASK.format("mask[in_front:, :in_front] = False\n    return mask"),
            "a later word of its own question": """
import torch
def who_sees_whom(in_front, questions, length):
    n = in_front + questions * length
    mask = torch.zeros(n, n, dtype=torch.bool)
    mask[:, :in_front] = True
    for start in range(in_front, n, length):
        mask[start:start + length, start:start + length] = True
    return mask
""",
            "A word sees itself and the earlier words": MASK.format(
                "words = torch.arange(n) >= in_front\n    return mask & ~torch.diag(words)"
            ),
            "expected True and False (torch.bool)": MASK.format("return mask.float()"),
            "a row for each token that looks": (
                MASK.format("return mask[in_front:]"),
                "def who_sees_whom(in_front, questions, length):\n    return [[True]]",
            ),
        },
    ),
    "8.2": Variants(
        right=(
            """
import torch
def answer_scores(scores, words):
    places = torch.arange(words.shape[-1])
    last = (places * (words != 0)).amax(dim=-1)
    b, q = torch.meshgrid(torch.arange(words.shape[0]), torch.arange(words.shape[1]), indexing="ij")
    return scores[b, q, last]
""",
            SCORES.format("scores[torch.arange(len(words))[:, None], torch.arange(words.shape[1]), end]"),
            SCORES.format("(scores * (words == tokenizer.numbers['?'])[..., None]).sum(dim=2)"),
            SCORES.format("scores.double()[b, q, end].numpy()"),
            SCORES.format("scores.half()[b, q, end]"),
            SCORES.format(
                "[[row[e].tolist() for row, e in zip(rows, ends)] for rows, ends in zip(scores, end.tolist())]"
            ),
        ),
        wrong={
            "You took the word with the largest number": SCORES.format("scores[b, q, words.argmax(-1)]"),
            "You took the last place": SCORES.format("scores[:, :, -1]"),
            "one place too far": (
                *(
                    SCORES.format(f"scores[b, q, {at}]")
                    for at in ("end + 1", "(end + 1).clamp(max=5)", "(end + 1) % 6")
                ),
                SCORES.format("scores.gather(2, (end + 1)[..., None, None].expand(-1, -1, 1, 37)).squeeze(2)"),
            ),
            "before the question mark": SCORES.format("scores[b, q, end - 1]"),
            "After one word, nobody knows": SCORES.format("scores[:, :, 0]"),
            "You averaged": SCORES.format("scores.mean(dim=2)"),
            "You added up": SCORES.format("scores.sum(dim=2)"),
            "one word for each question": SCORES.format("scores[b, q, end].argmax(dim=-1)"),
            "probabilities": SCORES.format("scores[b, q, end].softmax(dim=-1)"),
            "take that axis out": SCORES.format("scores[b, q, end][:, :, None]"),
            "expected (1, 1, 37), (B, Q, V)": SCORES.format("scores"),
            "its own question mark": SCORES.format("scores[:, :, 2]"),
            "also wrote into words": SCORES.format("(scores[b, q, end], words.zero_())[0]"),
            "for scores of shape (1, 1, 6, 37), words of shape (1, 1, 6): RuntimeError": SCORES.format(
                "scores.gather(2, words)"
            ),
        },
    ),
    "8.3": Variants(
        right=(
            'can_answer = dict.fromkeys(["where", "near relation", "far relation"], False)\n'
            'can_answer |= dict.fromkeys(["attribute", "count", "same far"], True)',
            BAG.format("np.True_", "np.bool_(True)", "np.False_", False, "torch.tensor(False)", "np.True_"),
            BAG.format("'True'", "'true'", "'false'", False, "' False'", True),
        ),
        wrong={
            "'attribute'": BAG.format(False, True, False, False, False, True),
            "in any order": BAG.format(True, False, False, False, False, True),
            "Nothing in it says which cell": BAG.format(True, True, True, False, False, True),
            "two neighbours take two": BAG.format(True, True, False, True, False, True),
            "swap places": BAG.format(True, True, False, False, True, True),
            "does not matter": BAG.format(True, True, False, False, False, False),
            "still open": BAG.format(True, True, False, False, False, None),
            "expected True or False": BAG.format(True, True, "'no'", False, False, True),
            "keep all 6": "can_answer = {'attribute': True}",
            "is not a family of can_answer": BAG.format(True, True, False, False, False, True)
            + "\ncan_answer['size'] = True",
            "keep it a dictionary": "can_answer = [True] * 6",
        },
    ),
}

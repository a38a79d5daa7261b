from support.variants import Variants

_MASK = """
def who_sees_whom(in_front, questions, length):
    n = in_front + questions * length
    mask = torch.zeros(n, n, dtype=torch.bool)
    mask[:, :in_front] = True
    for start in range(in_front, n, length):
        mask[start:start + length, start:start + length] = torch.ones(length, length, dtype=torch.bool).tril()
"""
_BAG = """can_answer = {{"attribute": {0}, "count": {1}, "where": {2}, "near relation": {3},
    "far relation": {4}, "same far": {5}}}"""

VARIANTS = {
    "7.1": Variants(
        alternative="""
def who_sees_whom(in_front, questions, length):
    place = torch.arange(in_front + questions * length) - in_front
    question = torch.where(place < 0, -1, place // length)
    own = (question[:, None] == question) & (place[:, None] >= place)
    return (place < 0) | (own & (place >= 0))
""",
        mistakes={
            "a word of one question sees a word of another": """
def who_sees_whom(in_front, questions, length):
    n = in_front + questions * length
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    mask[:, :in_front] = True
    return mask
""",
            "does not see all of the picture": """
def who_sees_whom(in_front, questions, length):
    n = in_front + questions * length
    return torch.ones(n, n, dtype=torch.bool).tril()
""",
            "every entry is turned round": _MASK + "    return ~mask",
            "rows and columns are exchanged": _MASK + "    return mask.T",
            "sees a word. Then": _MASK + "    mask[:in_front] = True\n    return mask",
            "it would answer blind": _MASK + "    mask[in_front:, :in_front] = False\n    return mask",
            "a later word of its own question": """
def who_sees_whom(in_front, questions, length):
    n = in_front + questions * length
    mask = torch.zeros(n, n, dtype=torch.bool)
    mask[:, :in_front] = True
    for start in range(in_front, n, length):
        mask[start:start + length, start:start + length] = True
    return mask
""",
            "does not see itself": _MASK
            + "    words = torch.arange(n) >= in_front\n    return mask & ~torch.diag(words)",
            "expected torch.bool": _MASK + "    return mask.float()",
            "one row and one column a token": _MASK + "    return mask[in_front:]",
            "returned a list": "def who_sees_whom(in_front, questions, length):\n    return [[True]]",
        },
    ),
    "7.2": Variants(
        alternative="""
def answer_scores(scores, words):
    places = torch.arange(words.shape[-1])
    last = (places * (words != 0)).amax(dim=-1)
    b, q = torch.meshgrid(torch.arange(words.shape[0]), torch.arange(words.shape[1]), indexing="ij")
    return scores[b, q, last]
""",
        mistakes={
            "You took the last place": "def answer_scores(scores, words):\n    return scores[:, :, -1]",
            "one too far": """
def answer_scores(scores, words):
    end = (words != 0).sum(dim=-1) % 6
    return scores.gather(2, end[..., None, None].expand(-1, -1, 1, scores.shape[-1])).squeeze(2)
""",
            "before the question mark": """
def answer_scores(scores, words):
    end = (words != 0).sum(dim=-1) - 2
    return scores.gather(2, end[..., None, None].expand(-1, -1, 1, scores.shape[-1])).squeeze(2)
""",
            "After one word nobody knows": "def answer_scores(scores, words):\n    return scores[:, :, 0]",
            "You averaged": "def answer_scores(scores, words):\n    return scores.mean(dim=2)",
            "one number for each question": """
def answer_scores(scores, words):
    end = (words != 0).sum(dim=-1) - 1
    return scores.gather(2, end[..., None, None].expand(-1, -1, 1, scores.shape[-1])).squeeze(2).argmax(dim=-1)
""",
            "expected (B, Q, V)": "def answer_scores(scores, words):\n    return scores",
            "its own question mark": "def answer_scores(scores, words):\n    return scores[:, :, 2]",
            "In line 2 of your cell": "def answer_scores(scores, words):\n    return scores.gather(2, words)",
        },
    ),
    "7.3": Variants(
        alternative='can_answer = dict.fromkeys(["where", "near relation", "far relation"], False)\n'
        'can_answer |= dict.fromkeys(["attribute", "count", "same far"], True)',
        mistakes={
            "'attribute'": _BAG.format(False, True, False, False, False, True),
            "in any order": _BAG.format(True, False, False, False, False, True),
            "Nothing in it says which cell": _BAG.format(True, True, True, False, False, True),
            "neighbours stand in two": _BAG.format(True, True, False, True, False, True),
            "change places": _BAG.format(True, True, False, False, True, True),
            "is no matter": _BAG.format(True, True, False, False, False, False),
            "still open": _BAG.format(True, True, False, False, False, None),
            "expected True or False": _BAG.format(True, True, "'no'", False, False, True),
            "keep all six": "can_answer = {'attribute': True}",
            "keep it a dictionary": "can_answer = [True] * 6",
        },
    ),
}

from support.variants import Variants

VARIANTS = {
    "6.1": Variants(
        alternative="""
def who_sees_whom(picture, question, answer):
    first, length = picture + question, picture + question + answer
    row, column = torch.arange(length)[:, None], torch.arange(length)
    return (column < first) | ((row >= first) & (column <= row))
""",
        mistakes={
            "this is the causal mask": """
def who_sees_whom(picture, question, answer):
    n = picture + question + answer
    return torch.ones(n, n, dtype=torch.bool).tril()
""",
            "every entry is turned round": """
def who_sees_whom(picture, question, answer):
    n = picture + question + answer
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    mask[:, :picture + question] = True
    return ~mask
""",
            "rows and columns are exchanged": """
def who_sees_whom(picture, question, answer):
    n = picture + question + answer
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    mask[:, :picture + question] = True
    return mask.T
""",
            "can look ahead": """
def who_sees_whom(picture, question, answer):
    n = picture + question + answer
    return torch.ones(n, n, dtype=torch.bool)
""",
            "does not see all of the question": """
def who_sees_whom(picture, question, answer):
    n = picture + question + answer
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    mask[:picture, :picture] = True
    return mask
""",
            "see the answer": """
def who_sees_whom(picture, question, answer):
    n = picture + question + answer
    mask = torch.ones(n, n, dtype=torch.bool)
    mask[picture + question:, picture + question:] = torch.ones(answer, answer, dtype=torch.bool).tril()
    return mask
""",
            "expected torch.bool": """
def who_sees_whom(picture, question, answer):
    n = picture + question + answer
    return torch.ones(n, n).tril()
""",
            "one row and one column for each token": """
def who_sees_whom(picture, question, answer):
    return torch.ones(answer, picture + question + answer, dtype=torch.bool)
""",
            "returned a list": "def who_sees_whom(picture, question, answer):\n    return [[True]]",
        },
    ),
    "6.2": Variants(
        alternative="numbers_in_llavas_projector = 20_979_712",
        mistakes={
            "first linear layer only": "numbers_in_llavas_projector = 1024 * 4096 + 4096",
            "You counted the weights": "numbers_in_llavas_projector = 1024 * 4096 + 4096 * 4096",
            "does not start from 1024 again": "numbers_in_llavas_projector = 2 * (1024 * 4096 + 4096)",
            "All tokens share one projector": "numbers_in_llavas_projector = 576 * 20_979_712",
            "expected a number": "numbers_in_llavas_projector = '21M'",
        },
    ),
    "6.3": Variants(
        alternative="""
def wake(layer):
    nn.init.ones_(layer.gate)
""",
        mistakes={
            "still ignores the picture": "def wake(layer):\n    pass",
            "one of the two must not be zero": "def wake(layer):\n    nn.init.normal_(layer.attend.q.weight)",
            "both factors are now different from zero": """
def wake(layer):
    nn.init.ones_(layer.gate)
    nn.init.normal_(layer.attend.proj.weight)
""",
            "MLP's gate is open": "def wake(layer):\n    nn.init.ones_(layer.mlp_gate)",
            "In line 2 of your cell": "def wake(layer):\n    layer.gate = 1.0",
        },
    ),
}

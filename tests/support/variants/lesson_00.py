from support.variants import Variants

VARIANTS = {
    "0.1": Variants(
        alternative="my_expectations = dict.fromkeys(['local', 'grid', 'connector', 'reason'], 'true')",
        mistakes={
            "still open": "my_expectations = {'local': 'true', 'grid': None, 'connector': None, 'reason': None}",
            "is gone": "my_expectations = {'local': 'true'}",
            "you wrote 'maybe'": "my_expectations = dict.fromkeys(['local', 'grid', 'connector', 'reason'], 'maybe')",
            "is a list": "my_expectations = ['true', 'true', 'true', 'true']",
        },
    ),
    "0.2": Variants(
        alternative="count_tokens = lambda h, w, s: h * w // s**2",
        mistakes={
            "divided by the stride once": "def count_tokens(h, w, s):\n    return h * w // s",
            "added rows and columns": "def count_tokens(h, w, s):\n    return h // s + w // s",
            "used the height twice": "def count_tokens(h, w, s):\n    return (h // s) ** 2",
            "expected 196": "def count_tokens(h, w, s):\n    return 14",
        },
    ),
}

from support.variants import Variants

CLAIMS = "['local', 'grid', 'connector', 'reason']"
COUNT = "def count_tokens(height, width, stride):\n    return {}"

VARIANTS = {
    "0.1": Variants(
        right=(
            f"my_expectations = dict.fromkeys({CLAIMS}, 'true')",
            f"my_expectations = dict.fromkeys({CLAIMS}, 'True')",
            f"my_expectations = dict.fromkeys({CLAIMS}, ' it  Depends ')",
            f"my_expectations = dict.fromkeys({CLAIMS}, False)",
            f"import numpy as np\nmy_expectations = dict.fromkeys({CLAIMS}, np.True_)",
        ),
        wrong={
            "still open": "my_expectations = {'local': 'true', 'grid': None, 'connector': None, 'reason': None}",
            "'grid' is missing from": "my_expectations = {'local': 'true'}",
            "you wrote 'maybe'": f"my_expectations = dict.fromkeys({CLAIMS}, 'maybe')",
            "is a list of 4": "my_expectations = ['true', 'true', 'true', 'true']",
            "'size' is not a claim of my_expectations": f"my_expectations = dict.fromkeys({CLAIMS} + ['size'], 'true')",
        },
    ),
    "0.2": Variants(
        right=("count_tokens = lambda h, w, s: h * w // s**2", "count_tokens = lambda h, w, s: h / s * w / s"),
        wrong={
            "divided by the stride once": COUNT.format("height * width // stride"),
            "added rows and columns": COUNT.format("height // stride + width // stride"),
            "used the height twice": COUNT.format("(height // stride) ** 2"),
            "used the width twice": COUNT.format("(width // stride) ** 2"),
            "A CLS token would be one more": COUNT.format("(height // stride) * (width // stride) + 1"),
            "counted pixels": COUNT.format("height * width"),
            "For height = 16, width = 32, stride = 16: you gave 14; expected 2.": COUNT.format("14"),
            "did you print instead of return?": "count_tokens = lambda h, w, s: print((h // s) * (w // s))",
            "Give the function itself, without calling it": (
                "count_tokens = 196",
                "count_tokens = (lambda h, w, s: h // s * (w // s))(224, 224, 16)",
            ),
            "remove the line": (
                "def count_tokens(height, width, stride):\n"
                "    raise NotImplementedError('your code here')\n"
                "    return (height // stride) * (width // stride)",
                "def count_tokens(height, width, stride):\n"
                "    count = (height // stride) * (width // stride)\n"
                "    raise NotImplementedError('your code here')",
            ),
            "Raised. In line 2 of your cell, `return height / 0`, for height = 16, width = 32, stride = 16": (
                COUNT.format("height / 0")
            ),
        },
    ),
}

from support.variants import Variants

VARIANTS = {
    "4.1": Variants(
        alternative="import numpy as np\nblue_to_itself = np.float32([0.56])",
        mistakes={
            "kept token 4": "blue_to_itself = 0.47",
            "left out the scale": "import math\nblue_to_itself = math.e**4 / (math.e**4 + math.e**2 + 3)",
            "its square root, 2": "blue_to_itself = 0.37",
            "exponentials first": "blue_to_itself = 2 / 3",
            "left the zeros out": "blue_to_itself = 7.389 / (7.389 + 2.718)",
            "even spread": "blue_to_itself = 1 / 5",
            "Divide it by the sum": "blue_to_itself = 7.389",
            "is not it": "blue_to_itself = 0.5",
            "expected a number": "blue_to_itself = '0.56'",
        },
    ),
    "4.2": Variants(
        alternative="""
import torch
def attend(query, key, value):
    scores = torch.einsum("bhnd,bhmd->bhnm", query, key) * query.shape[-1] ** -0.5
    powers = (scores - scores.amax(dim=-1, keepdim=True)).exp()
    return torch.einsum("bhnm,bhmd->bhnd", powers / powers.sum(dim=-1, keepdim=True), value)
""",
        mistakes={
            "left out the scale": """
def attend(query, key, value):
    return (query @ key.transpose(-2, -1)).softmax(dim=-1) @ value
""",
            "divided by the head width": """
def attend(query, key, value):
    return (query @ key.transpose(-2, -1) / query.shape[-1]).softmax(dim=-1) @ value
""",
            "width of the model": """
def attend(query, key, value):
    width = query.shape[1] * query.shape[-1]
    return (query @ key.transpose(-2, -1) / width ** 0.5).softmax(dim=-1) @ value
""",
            "over the queries": """
def attend(query, key, value):
    return (query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).softmax(dim=-2) @ value
""",
            "mixed the keys": """
def attend(query, key, value):
    return (query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).softmax(dim=-1) @ key
""",
            "no softmax": """
def attend(query, key, value):
    return query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5 @ value
""",
            "returned the weights": """
def attend(query, key, value):
    return (query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).softmax(dim=-1)
""",
            "called torch's attention": """
import torch.nn.functional as F
def attend(query, key, value):
    return F.scaled_dot_product_attention(query, key, value)
""",
            "expected the output alone": """
from vlmteach.nn import attention
def attend(query, key, value):
    return attention(query, key, value)
""",
            "do they sum to 1": """
def attend(query, key, value):
    return (query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).sigmoid() @ value
""",
            "Raised. In line 2": """def attend(query, key, value):
    return (query @ key / query.shape[-1] ** 0.5).softmax(dim=-1) @ value
""",
        },
    ),
    "4.3": Variants(
        alternative="""
import torch
def make_mask(pictures, words):
    rows = torch.arange(pictures + words)[:, None]
    columns = torch.arange(pictures + words)
    return (columns < pictures) | (columns <= rows)
""",
        mistakes={
            "upside down": """
import torch
def make_mask(pictures, words):
    mask = torch.ones(pictures + words, pictures + words, dtype=torch.bool).triu(1)
    mask[:, :pictures] = False
    return mask
""",
            "causal mask for everything": """
import torch
def make_mask(pictures, words):
    return torch.ones(pictures + words, pictures + words, dtype=torch.bool).tril()
""",
            "Rows and columns are exchanged": """
import torch
def make_mask(pictures, words):
    mask = torch.ones(pictures + words, pictures + words, dtype=torch.bool).triu()
    mask[:pictures] = True
    return mask
""",
            "A picture token may see a word": """
import torch
def make_mask(pictures, words):
    return torch.ones(pictures + words, pictures + words, dtype=torch.bool)
""",
            "may not see the whole picture": """
import torch
def make_mask(pictures, words):
    return torch.block_diag(torch.ones(pictures, pictures), torch.ones(words, words).tril()).bool()
""",
            "see later words": """
import torch
def make_mask(pictures, words):
    mask = torch.ones(pictures + words, pictures + words, dtype=torch.bool)
    mask[:pictures, pictures:] = False
    return mask
""",
            "The diagonal belongs": """
import torch
def make_mask(pictures, words):
    mask = torch.ones(pictures + words, pictures + words, dtype=torch.bool).tril(-1)
    mask[:, :pictures] = True
    return mask
""",
            "expected torch.bool": """
import torch
def make_mask(pictures, words):
    mask = torch.ones(pictures + words, pictures + words).tril()
    mask[:, :pictures] = 1
    return mask
""",
            "a row for each query": """
import torch
def make_mask(pictures, words):
    return torch.ones(words, words, dtype=torch.bool).tril()
""",
        },
    ),
}

from support.variants import Variants

DISTANCES = """
import torch
def distances(heat, position):
    rows = torch.arange(float(heat.shape[0]))[:, None] - position[0]
    columns = torch.arange(float(heat.shape[1]))[None, :] - position[1]
    return rows, columns
def mean_distance(heat, position):
    rows, columns = distances(heat, position)
"""
SENTENCES = """kinds = dict(zip([
    "at distance 5 it is at chance",
    "at distance 2 it is above 0.95",
    "twice the training would not help at distance 5",
    "distance 3 takes longer to learn than distance 1",
], {}))"""

VARIANTS = {
    "5.1": Variants(
        alternative="""
def cells_reached(dilations):
    reached = 0
    for dilation in dilations:
        reached += dilation
    return reached
""",
        mistakes={
            "width of the whole field": "def cells_reached(dilations):\n    return 2 * sum(dilations) + 1",
            "counted the blocks": "def cells_reached(dilations):\n    return len(dilations)",
            "took the largest dilation": "def cells_reached(dilations):\n    return max(dilations, default=0)",
            "expected 1": "def cells_reached(dilations):\n    return 0",
        },
    ),
    "5.2": Variants(
        alternative=DISTANCES + "    return float((heat / heat.sum() * (rows**2 + columns**2) ** 0.5).sum())",
        mistakes={
            "Divide by the sum": DISTANCES + "    return (heat * torch.hypot(rows, columns)).sum()",
            "averaged squared distances": DISTANCES + "    return (heat * (rows**2 + columns**2)).sum() / heat.sum()",
            "straight line": DISTANCES + "    return (heat * (rows.abs() + columns.abs())).sum() / heat.sum()",
            "averaged over all pixels": DISTANCES + "    return (heat * torch.hypot(rows, columns)).mean()",
            "weigh each by its heat": DISTANCES + "    return torch.hypot(rows, columns)[heat > 0].mean()",
        },
    ),
    "5.3": Variants(
        alternative=SENTENCES.format(["theorem", "measurement", "theorem", "measurement"]),
        mistakes={
            "needs no experiment": SENTENCES.format(["measurement", "measurement", "theorem", "measurement"]),
            "upper bound": SENTENCES.format(["theorem", "theorem", "theorem", "measurement"]),
            "stands None": SENTENCES.format(["theorem", "measurement", "theorem", None]),
            "Keep the dictionary": "kinds = {}",
        },
    ),
}

from support.variants import Variants

REACHED = "import math\ncells_reached = lambda d: {}"
DISTANCES = """
import torch
def mean_distance(heat, position):
    rows = torch.arange(float(heat.shape[0]))[:, None] - position[0]
    columns = torch.arange(float(heat.shape[1]))[None, :] - position[1]
    h, dist = heat, torch.hypot(rows, columns)
    return {}
"""
SENTENCES = """kinds = dict(zip([
    "at distance 5 it is at chance",
    "at distance 2 it is above 0.95",
    "twice the training would not help at distance 5",
    "distance 3 takes longer to learn than distance 1",
], {}))"""

VARIANTS = {
    "6.1": Variants(
        right=(
            """
def cells_reached(dilations):
    reached = 0
    for dilation in dilations:
        reached += dilation
    return reached
""",
            "cells_reached = sum",
            "import numpy as np\ncells_reached = np.sum",
            "def cells_reached(dilations):\n    return dilations[0] + cells_reached(dilations[1:]) if dilations else 0",
        ),
        wrong={
            "width of the whole field": REACHED.format("2 * sum(d) + 1"),
            "counted both sides": REACHED.format("2 * sum(d)"),
            "how wide each block's kernel is": REACHED.format("sum(2*x+1 for x in d)"),
            "three taps": REACHED.format("3*sum(d)"),
            "You multiplied": REACHED.format("math.prod(d)"),
            "counted the blocks": REACHED.format("len(d)"),
            "took the largest dilation": (REACHED.format("max(d, default=0)"), REACHED.format("max(d)")),
            "own cell as well": REACHED.format("sum(d) + 1"),
            "For dilations = (1,): you gave 0; expected 1.": REACHED.format("0"),
            "For dilations = (2, 2): you gave 8; expected 4.": REACHED.format("8 if d == (2, 2) else sum(d)"),
        },
    ),
    "6.2": Variants(
        right=(
            DISTANCES.format("float((heat / heat.sum() * (rows**2 + columns**2) ** 0.5).sum())"),
            """
import numpy as np
def mean_distance(heat, position):
    heat = heat.numpy()
    rows, columns = np.indices(heat.shape)
    return np.average(np.hypot(rows - position[0], columns - position[1]), weights=heat)
""",
            """
import torch
def mean_distance(heat, position):
    places = torch.cartesian_prod(*[torch.arange(float(n)) for n in heat.shape])
    distance = torch.cdist(torch.tensor([position]).float(), places)[0]
    return distance @ heat.flatten() / heat.sum()
""",
            """
import torch
def mean_distance(heat, position):
    rows, columns = torch.meshgrid(*[torch.arange(float(n)) for n in heat.shape], indexing="ij")
    there = torch.complex(rows, columns) - complex(*position)
    return (there.abs() * heat).sum() / heat.sum()
""",
            "from vlmteach.probes import weighted_distance as mean_distance",
        ),
        wrong={
            "divide by the sum": DISTANCES.format("(h * dist).sum()"),
            "take the root before you average": DISTANCES.format("(h * (rows**2 + columns**2)).sum() / h.sum()"),
            "take the root of each before": DISTANCES.format("((h * dist**2).sum() / h.sum()).sqrt()"),
            "straight line": DISTANCES.format("(h * (rows.abs() + columns.abs())).sum() / h.sum()"),
            "longer of the two legs": DISTANCES.format(
                "(h * torch.maximum(rows.abs(), columns.abs())).sum() / h.sum()"
            ),
            "position is (row, column)": """
import torch
def mean_distance(heat, position):
    rows = torch.arange(float(heat.shape[0]))[:, None] - position[1]
    columns = torch.arange(float(heat.shape[1]))[None, :] - position[0]
    return (heat * torch.hypot(rows, columns)).sum() / heat.sum()
""",
            "averaged over all pixels": DISTANCES.format("(h * dist).mean()"),
            "weight each by its heat": (DISTANCES.format("dist[h > 0].mean()"), DISTANCES.format("dist.mean()")),
            "returned a Tensor of shape (4, 5); expected one number, the distance": DISTANCES.format("h*dist"),
            "distance to the position is weighted by its heat": DISTANCES.format("(h * dist).sum() / h.sum() + 1"),
        },
    ),
    "6.3": Variants(
        right=(
            SENTENCES.format(["theorem", "measurement", "theorem", "measurement"]),
            SENTENCES.format(["Theorem", "measurement ", "THEOREM", "Measurement"]),
        ),
        wrong={
            "It needs no experiment": SENTENCES.format(["measurement", "measurement", "theorem", "measurement"]),
            "upper bound": SENTENCES.format(["theorem", "theorem", "theorem", "measurement"]),
            "still open": SENTENCES.format(["theorem", "measurement", "theorem", None]),
            "you wrote 'both'": SENTENCES.format(["theorem", "measurement", "theorem", "both"]),
            "is missing from": "kinds = {}",
            "is not a sentence of kinds": SENTENCES.format(["theorem"] * 4) + "\nkinds['it is blue'] = 'theorem'",
            "keep it a dictionary": "kinds = ['theorem', 'measurement', 'theorem', 'measurement']",
        },
    ),
}

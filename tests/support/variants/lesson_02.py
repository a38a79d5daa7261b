from support.variants import Variants

FIELD = """
def field_after(layers):
    size, stride = 1, 1
    for k, s, d in layers:
        {first}
        {second}
    return size, stride
"""
COUNT = """
def count_whole(size, stride, padding, cells, side):
    return {count}
"""

VARIANTS = {
    "2.1": Variants(
        alternative="""
def field_after(layers):
    units, stride = {0}, 1
    for kernel, step, dilation in reversed(layers):
        units = {u * step + dilation * j for u in units for j in range(kernel)}
        stride *= step
    return [max(units) + 1, stride]
""",
        mistakes={
            "own stride before": FIELD.format(first="stride *= s", second="size += d * (k - 1) * stride"),
            "left the dilation out": FIELD.format(first="size += (k - 1) * stride", second="stride *= s"),
            "without the stride": FIELD.format(first="size += d * (k - 1)", second="stride *= s"),
            "k - 1 gaps": FIELD.format(first="size += (d * k - 1) * stride", second="stride *= s"),
            "swapped the two": """
def field_after(layers):
    size, stride = 1, 1
    for k, s, d in layers:
        size += d * (k - 1) * stride
        stride *= s
    return stride, size
""",
            "expected two numbers": "def field_after(layers):\n    return 1 + sum(k - 1 for k, s, d in layers)",
            "following the connections gives": FIELD.format(first="size += d * (k + 1) * stride", second="stride *= s"),
            "a pixel sees one pixel": """
def field_after(layers):
    if not layers:
        return 0, 0
    size, stride = 1, 1
    for k, s, d in layers:
        size += d * (k - 1) * stride
        stride *= s
    return size, stride
""",
        },
    ),
    "2.2": Variants(
        alternative="import numpy as np\nlayers_for_sigma_16 = np.float32(384)",
        mistakes={
            "the square of 16": "layers_for_sigma_16 = 24",
            "three equal weights have 2/3": "layers_for_sigma_16 = 16**2",
            "expected a number": "layers_for_sigma_16 = '384'",
            "it should be 16² = 256": "layers_for_sigma_16 = 96",
            "variances add": "layers_for_sigma_16 = 16",
        },
    ),
    "2.3": Variants(
        alternative="""
import torch
def count_whole(size, stride, padding, cells, side):
    total = torch.zeros(1, dtype=torch.int64)
    for y in range(cells):
        for x in range(cells):
            inside = [v * stride - padding <= 0 and v * stride - padding + size >= side for v in (y, x)]
            total += all(inside)
    return total
""",
        mistakes={
            "A unit has a row": COUNT.format(
                count="sum(u * stride <= padding and u * stride - padding + size >= side for u in range(cells))"
            ),
            "compared sizes only": COUNT.format(count="cells**2 if size >= side else 0"),
            "its last at least side - 1": COUNT.format(
                count="sum(u * stride <= padding and u * stride - padding + size > side for u in range(cells)) ** 2"
            ),
            "expected a number of units": COUNT.format(count="[u for u in range(cells)]"),
        },
    ),
}

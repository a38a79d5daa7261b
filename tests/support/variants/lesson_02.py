from support.variants import Variants

FIELD = """
def field_after(layers):
    size, stride = {start}, 1
    for k, s, d in layers:
        {first}
        {second}
    return {returned}
"""


def field(first="size += d * (k - 1) * stride", second="stride *= s", start="1", returned="size, stride"):
    return FIELD.format(first=first, second=second, start=start, returned=returned)


COUNT = """
def count_whole(size, stride, padding, cells, side):
    return {count}
"""


def count(covers):
    return COUNT.format(count=f"sum({covers} for u in range(cells)) ** 2")


RIGHT_DEPTHS = ["(16 / math.sqrt(2 / 3)) ** 2", "(16 * math.sqrt(1.5)) ** 2", "Fraction(768, 2)"]
RIGHT_DEPTHS += [f"(16 / {f32}) ** 2" for f32 in ("np.sqrt(np.float32(2 / 3))", "torch.tensor(2 / 3).sqrt()")]
RIGHT_DEPTHS += [f"(16 * {f32}) ** 2" for f32 in ("np.sqrt(np.float32(1.5))", "torch.tensor(1.5).sqrt()")]

VARIANTS = {
    "2.1": Variants(
        right=(
            """
def field_after(layers):
    units, stride = {0}, 1
    for kernel, step, dilation in reversed(layers):
        units = {u * step + dilation * j for u in units for j in range(kernel)}
        stride *= step
    return [max(units) + 1, stride]
""",
            """
def field_after(layers):
    size = 1
    for k, s, d in layers[::-1]:
        size = (size - 1) * s + d * (k - 1) + 1
    stride = 1
    for k, s, d in layers:
        stride *= s
    return size, stride
""",
            """
def field_after(layers):
    if not layers:
        return 1, 1
    (k, s, d), *rest = layers
    size, stride = field_after(rest)
    return (size - 1) * s + d * (k - 1) + 1, stride * s
""",
            """
import math
def field_after(layers):
    before = [math.prod(s for _, s, _ in layers[:i]) for i in range(len(layers) + 1)]
    return 1 + sum(d * (k - 1) * before[i] for i, (k, s, d) in enumerate(layers)), before[-1]
""",
            """
import torch
from torch import nn
def field_after(layers):
    net = nn.Sequential(*[nn.Conv1d(1, 1, k, s, dilation=d, bias=False) for k, s, d in layers])
    for weight in net.parameters():
        nn.init.ones_(weight)
    line = torch.ones(1, 1, 400, requires_grad=True)
    out = net(line)
    seen = [torch.autograd.grad(out[0, 0, i], line, retain_graph=True)[0].nonzero()[:, 2] for i in (0, 1)]
    return seen[0].max() - seen[0].min() + 1, seen[1].min() - seen[0].min()
""",
        ),
        wrong={
            "own stride before": field("stride *= s", "size += d * (k - 1) * stride"),
            "left the dilation out": field("size += (k - 1) * stride"),
            "without the stride": field("size += d * (k - 1)"),
            "k - 1 gaps": field("size += (d * k - 1) * stride"),
            "the units of the layer lie as close": field(second="stride *= s * d"),
            "Dilation spreads the taps of its own layer": (
                field(second="stride *= s * d"),
                field("size += (k - 1) * stride", "stride *= s * d"),
            ),
            "swapped the two": field(returned="stride, size"),
            "You began with a field of 0": field(start="0"),
            "returned an int; expected 2 numbers (size, stride)": field(returned="size"),
            "returned a str; expected 2 numbers (size, stride)": field(returned="str((size, stride))"),
            "returned a dict of 2; expected 2 numbers (size, stride)": field(
                returned="{'size': size, 'stride': stride}"
            ),
            "returned a set of": field(returned="{size, stride}"),
            "For layers = [(3, 1, 1), (3, 1, 1)]: you gave (9, 1); expected (5, 1)": field(
                "size += d * (k + 1) * stride"
            ),
            "For layers = []: you gave (0, 0); expected (1, 1)": field(returned="(size, stride) if layers else (0, 0)"),
            "also wrote into layers": """
def field_after(layers):
    size, stride = 1, 1
    while layers:
        k, s, d = layers.pop(0)
        size += d * (k - 1) * stride
        stride *= s
    return size, stride
""",
        },
    ),
    "2.2": Variants(
        right=tuple(
            f"import math, torch\nimport numpy as np\nfrom fractions import Fraction\nlayers_for_sigma_16 = {depth}"
            for depth in ["np.float32(384)", *RIGHT_DEPTHS]
        ),
        wrong={
            "the square of 16": "layers_for_sigma_16 = 24",
            "three equal weights have 2/3": "layers_for_sigma_16 = 16**2",
            "Solve 2n/3 = 256 for n": ("layers_for_sigma_16 = 256*2/3", "layers_for_sigma_16 = round(256 * 2 / 3, 3)"),
            "expected a number of layers": "layers_for_sigma_16 = '384'",
            "should be 16² = 256": ("layers_for_sigma_16 = 96", "layers_for_sigma_16 = 383.5"),
            "variances add": "layers_for_sigma_16 = 16",
            "whose *box* is 17": "layers_for_sigma_16 = 8",
            "is 2/3, not 2": "layers_for_sigma_16 = 128",
        },
    ),
    "2.3": Variants(
        right=(
            """
import torch
def count_whole(size, stride, padding, cells, side):
    total = torch.zeros(1, dtype=torch.int64)
    for y in range(cells):
        for x in range(cells):
            inside = [v * stride - padding <= 0 and v * stride - padding + size >= side for v in (y, x)]
            total += all(inside)
    return total
""",
            """
import numpy as np
def count_whole(size, stride, padding, cells, side):
    start = np.arange(cells) * stride - padding
    return np.outer(*[(start <= 0) & (start + size >= side)] * 2).sum()
""",
        ),
        wrong={
            "A unit has a row": COUNT.format(
                count="sum(u * stride <= padding and u * stride - padding + size >= side for u in range(cells))"
            ),
            "compared sizes only": COUNT.format(count="cells**2 if size >= side else 0"),
            "You miss the border by one pixel": (
                count("u * stride <= padding and u * stride - padding + size > side"),
                count("u*stride-padding <= 0 and u*stride-padding+size >= side-1"),
                count("u*stride-padding < 0 and u*stride-padding+size >= side"),
                count("u*stride-padding <= 1 and u*stride-padding+size >= side"),
            ),
            "You laid the field around the middle of its cell": (
                count("u*stride+stride//2-size//2 <= 0 and u*stride+stride//2+size//2 >= side"),
                count("u*stride+stride//2-size//2 <= 0 and u*stride+stride//2-size//2+size >= side"),
            ),
            "You left the padding out": count("u * stride <= 0 and u * stride + size >= side"),
            "not at where it ends": count("u * stride <= padding"),
            "not at where it begins": count("u * stride - padding + size >= side"),
            "expected a number of units": COUNT.format(count="[u for u in range(cells)]"),
            "For size = 4, stride = 1, padding = 1, cells = 3, side = 3: you gave 3; expected 4.": COUNT.format(
                count="cells"
            ),
        },
    ),
}

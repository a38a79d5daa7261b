from support.variants import Variants

NATIVE = "def native_tokens(height, width):\n    return {}"
LORA = "def lora_parameters(inputs, outputs, rank):\n    return {}"
MEETS = """meets = dict(zip([
    "FastVLM: a CNN that ends in attention",
    "Llama 3.2 Vision: a ViT",
    "Qwen2.5-VL: a ViT with windows",
    "Fuyu: no image encoder",
], {}))"""
P, C = "prefix", "cross-attention"

VARIANTS = {
    "11.1": Variants(
        right=(
            "import numpy as np\ndef native_tokens(height, width):\n"
            "    return np.prod(np.rint(np.array([height, width]) / 28))",
            "def native_tokens(h, w, side=28):\n    rows, columns = (h + side // 2) // side, (w + side // 2) // side\n"
            "    return float(rows * columns)",
        ),
        wrong={
            "You counted patches": NATIVE.format("4 * round(height / 28) * round(width / 28)"),
            "whole patches of 14 pixels": NATIVE.format("(height // 14) * (width // 14)"),
            "You rounded down": NATIVE.format("(height // 28) * (width // 28)"),
            "You rounded up": (
                "import math\n" + NATIVE.format("math.ceil(height / 28) * math.ceil(width / 28)"),
                NATIVE.format("-(-height // 28) * -(-width // 28)"),
            ),
            "used the height twice": NATIVE.format("round(height / 28) ** 2"),
            "used the width twice": NATIVE.format("round(width / 28) ** 2"),
            "divided by 28 once": NATIVE.format("round(height * width / 28)"),
            "Round each side first": NATIVE.format("round(height * width / 784)"),
            "multiply them": NATIVE.format("round(height / 28) + round(width / 28)"),
            "you gave 576; expected 6.": NATIVE.format("576"),
        },
    ),
    "11.2": Variants(
        right=(
            LORA.format("rank * (inputs + outputs)"),
            "import torch\ndef lora_parameters(i, o, r):\n    return torch.tensor(i * r + r * o)",
        ),
        wrong={
            "They stay frozen.": LORA.format("inputs * outputs"),
            "as well. They stay frozen": LORA.format("inputs * outputs + rank * (inputs + outputs)"),
            "You multiplied all three": LORA.format("rank * inputs * outputs"),
            "first matrix alone": LORA.format("rank * inputs"),
            "second matrix alone": LORA.format("rank * outputs"),
            "need not be as many": LORA.format("2 * rank * inputs"),
            "no bias of its own": LORA.format("rank * (inputs + outputs) + outputs"),
            "You squared the rank": LORA.format("rank**2 * (inputs + outputs)"),
            "you gave 0; expected 5.": LORA.format("0"),
        },
    ),
    "11.3": Variants(
        right=(MEETS.format([P, C, P, P]), MEETS.format(["Prefix", "CROSS-ATTENTION ", P, P])),
        wrong={
            "Its projector is LLaVA's": MEETS.format([C, C, P, P]),
            "Look at its mask": MEETS.format([P, P, P, P]),
            "a matter of its encoder": MEETS.format([P, C, C, P]),
            "mapped to the width of words": MEETS.format([P, C, P, C]),
            "you wrote 'both'": MEETS.format([P, C, "both", P]),
            "keep it a dictionary": "meets = None, 1",
            "is missing from": "meets = {}",
        },
    ),
}

"""Python imports this at its start where this folder is on PYTHONPATH: from then on torch rounds like no processor.

What processors round in different ways (products, convolutions, sums, norms, softmax, resizing, exp and its kin, and
the gradients of them) comes out larger or smaller by up to eight units in the last place, 1e-6 of a float32. Whole
numbers stay: a sum of small whole numbers is exact in any order. ROUNDING_SEED chooses the changes; the same seed and
program give the same.

No two results are changed in the same way, not even those of one operation on the same numbers. With STEADY_ROUNDING=1
one operation changes all its results of one shape in the same way, as a processor rounds the same numbers in the same
way each time, and those of another shape (a batch of one, for instance) in another.
"""

import os
import random
import zlib

import torch
from torch.utils._python_dispatch import TorchDispatchMode

UNITS = 8  # in the last place: 8 * 1.2e-7 = 1e-6 of a float32
LENGTH = 1_000_003  # of the list of changes; each result takes a piece of it that begins anywhere
PRODUCTS = {
    *("mm", "bmm", "addmm", "baddbmm", "addbmm", "mv", "addmv", "addr", "dot", "_addmm_activation", "_cdist_forward"),
    *("convolution", "convolution_backward", "roi_align", "_native_multi_head_attention"),
    *("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention_for_cpu_backward"),
}
SUMS = {
    *("sum", "mean", "var", "std", "var_mean", "std_mean", "cumsum", "prod", "logsumexp", "norm", "linalg_vector_norm"),
    *("index_add", "scatter_add", "embedding_dense_backward", "nll_loss_forward", "mse_loss"),
    *("_softmax", "_log_softmax", "_softmax_backward_data", "_log_softmax_backward_data"),
    *("native_layer_norm", "native_layer_norm_backward", "native_group_norm", "native_group_norm_backward"),
    *("native_batch_norm", "native_batch_norm_backward", "batch_norm_backward"),
    *("_native_batch_norm_legit", "_native_batch_norm_legit_no_training"),
    *("avg_pool2d", "avg_pool2d_backward", "_adaptive_avg_pool2d", "_adaptive_avg_pool2d_backward"),
    *("upsample_bilinear2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
    *("grid_sampler_2d",),
}
FUNCTIONS = {
    *("exp", "exp2", "expm1", "log", "log2", "log1p", "sin", "cos", "tan", "tanh", "sigmoid", "erf", "pow", "rsqrt"),
    *("gelu", "gelu_backward", "silu", "softplus"),
}
ROUNDED = PRODUCTS | SUMS | FUNCTIONS


class OtherRounding(TorchDispatchMode):
    """While it is on, every result of ROUNDED is changed."""

    def __init__(self, seed: int, steady: bool = False) -> None:
        super().__init__()
        self.seed, self.steady, self.any = seed, steady, random.Random(seed)
        changes = 2 * torch.rand(LENGTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1
        changes = UNITS * torch.cat([changes, changes])
        dtypes = (torch.float32, torch.float64)
        self.changes = {dtype: (torch.finfo(dtype).eps * changes).to(dtype) for dtype in dtypes}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and to keep the compiler off torch would import it first, for two seconds."""
        return False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        if name in ROUNDED:
            for tensor in result if isinstance(result, (tuple, list)) else [result]:
                if isinstance(tensor, torch.Tensor) and tensor.dtype in self.changes and tensor.device.type == "cpu":
                    self.change(tensor, self.start(name, tensor.shape))
        return result

    def start(self, name: str, shape: torch.Size) -> int:
        """Where in the list of changes those of a result begin."""
        if self.steady:
            return zlib.crc32(f"{self.seed} {name} {shape}".encode()) % LENGTH
        return self.any.randrange(LENGTH)

    def change(self, tensor: torch.Tensor, start: int) -> None:
        """Change a new result in place; whole numbers, infinities and NaN stay."""
        changes = self.changes[tensor.dtype][start : start + LENGTH]
        flat = tensor.as_strided((tensor.numel(),), (1,))  # a new result lies in memory without gaps
        for piece in flat.split(LENGTH):
            piece += torch.where(piece == piece.round(), 0, piece * changes[: len(piece)])


if "ROUNDING_SEED" in os.environ:
    OtherRounding(int(os.environ["ROUNDING_SEED"]), os.environ.get("STEADY_ROUNDING") == "1").__enter__()

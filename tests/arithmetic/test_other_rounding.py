"""The arithmetic that rounds like no processor: what it changes, by how much, and what it leaves."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: F401 (the code below uses it)

FOLDER = Path(__file__).parent / "other_rounding"
SPEC = importlib.util.spec_from_file_location("other_rounding", FOLDER / "sitecustomize.py")
other_rounding = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(other_rounding)

# Each of these is computed twice: as torch does it, and with the other rounding.
COMPUTED = {
    "a product": "x @ y",
    "a linear layer": "F.linear(x, y.T, y[0])",
    "products in batches": "torch.bmm(x[None], y[None])",
    "einsum": "torch.einsum('ij,jk->ik', x, y)",
    "a matrix and a vector": "x @ y[:, 0]",
    "two vectors": "x[0] @ y[:, 0]",
    "a product of doubles": "x.double() @ y.double()",
    "a convolution": "F.conv2d(z, w, padding=1)",
    "a convolution, channels last": "F.conv2d(z.to(memory_format=torch.channels_last), w)",
    "a convolution in one dimension": "F.conv1d(x[None], w.flatten()[:36].view(2, 6, 3))",
    "attention": "F.scaled_dot_product_attention(x[None], x[None], x[None])",
    "attention with a mask": "F.scaled_dot_product_attention(x[None], x[None], x[None], torch.ones(6, 6).tril() > 0)",
    "a module of attention": "attend(x[None], x[None], x[None], need_weights=False)[0]",
    "a sum": "x.sum(dim=1)",
    "a mean": "z.mean(dim=(2, 3))",
    "softmax": "x.softmax(dim=-1)",
    "log-softmax": "x.log_softmax(dim=-1)",
    "a layer norm": "F.layer_norm(x, (5,))",
    "a batch norm": "F.batch_norm(z, z.mean((0, 2, 3)), z.var((0, 2, 3)))",
    "a group norm": "F.group_norm(z, 3)",
    "a length": "x.norm(dim=-1)",
    "cosines": "F.cosine_similarity(x, x.flip(0), dim=-1)",
    "GELU": "F.gelu(x)",
    "exp": "x.exp()",
    "pooling": "F.avg_pool2d(z, 2)",
    "resizing": "F.interpolate(z, (5, 5), mode='bicubic', antialias=True)",
    "a loss": "F.cross_entropy(x, torch.arange(5).repeat(2)[:6])",
    "a gradient": "torch.autograd.grad((x.requires_grad_() @ y).square().sum(), x)[0]",
    "a gradient of a convolution": "torch.autograd.grad(F.conv2d(z.requires_grad_(), w).sum(), z)[0]",
}


def compute(code: str) -> torch.Tensor:
    torch.manual_seed(0)
    x, y, z, w = torch.randn(6, 5), torch.randn(5, 4), torch.randn(2, 3, 8, 8), torch.randn(2, 3, 3, 3)
    attend = torch.nn.MultiheadAttention(5, 1, batch_first=True).eval()
    return eval(code, globals(), {"x": x, "y": y, "z": z, "w": w, "attend": attend}).detach()


def compute_otherwise(code: str, seed: int = 1, steady: bool = False) -> torch.Tensor:
    with other_rounding.OtherRounding(seed, steady):
        return compute(code)


@pytest.mark.parametrize("name", COMPUTED)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind_of_result_is_changed_by_a_millionth_and_not_by_more(name: str, seed: int) -> None:
    before, after = compute(COMPUTED[name]), compute_otherwise(COMPUTED[name], seed)
    change = (after - before).abs().max() / before.abs().max()
    scale = {torch.float32: 1e-6, torch.float64: 2e-15}[before.dtype]
    assert after.dtype == before.dtype
    assert scale / 100 < change < 20 * scale  # what is made of several results is changed several times


@pytest.mark.parametrize(
    "code",
    [
        "torch.arange(6.0).view(2, 3) @ torch.ones(3, 2)",
        "torch.tensor([-float('inf'), 0.0, float('nan')]).exp()",
        "torch.tensor([[1.0, -float('inf')]]).log_softmax(dim=-1)",
        "torch.tensor([1, 2]).sum()",
        "x[x > 100].sum()",
    ],
)
def test_whole_numbers_infinities_and_not_a_number_stay(code: str) -> None:
    assert torch.equal(compute_otherwise(code).nan_to_num(7, 8, 9), compute(code).nan_to_num(7, 8, 9))


def test_a_seed_gives_the_same_changes_again_and_another_seed_others() -> None:
    assert torch.equal(compute_otherwise("x @ y", seed=1), compute_otherwise("x @ y", seed=1))
    assert not torch.equal(compute_otherwise("x @ y", seed=1), compute_otherwise("x @ y", seed=2))


def test_the_same_operation_on_the_same_numbers_is_changed_in_another_way() -> None:
    one, two = compute_otherwise("torch.stack([x @ y, x @ y])")
    assert not torch.equal(one, two)


def test_with_steady_rounding_it_is_changed_in_the_same_way_and_in_another_where_the_shape_is_another() -> None:
    one, two = compute_otherwise("torch.stack([x @ y, x @ y])", steady=True)
    assert torch.equal(one, two)
    all_rows, some = compute_otherwise("x @ y", steady=True), compute_otherwise("x[:3] @ y", steady=True)
    assert not torch.equal(all_rows[:3], some)


def test_a_result_longer_than_the_list_of_changes_is_changed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_rounding, "LENGTH", 7)
    change = compute_otherwise("x @ y") - compute("x @ y")
    assert (change != 0).float().mean() > 0.8


def test_a_python_with_the_folder_on_its_path_rounds_otherwise() -> None:
    code = "import torch; print((torch.full((3, 3), 0.1) @ torch.full((3, 1), 0.1)).flatten().tolist())"
    environment = os.environ | {"PYTHONPATH": str(FOLDER), "ROUNDING_SEED": "1"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert len(set(eval(told.stdout))) > 1

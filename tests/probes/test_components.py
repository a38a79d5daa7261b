import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vlmteach.probes import principal_components


def drawn(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator) * torch.arange(columns, 0, -1) + 7


def test_they_are_the_eigenvectors_of_the_covariance():
    tokens = drawn(200, 5)
    found = principal_components(tokens)
    centred = tokens.double() - tokens.double().mean(dim=0)
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    expected = centred @ vectors.flip(1)[:, :3]
    assert torch.allclose(found.abs(), expected.abs(), atol=1e-6)
    assert torch.allclose(found.square().sum(dim=0), values.flip(0)[:3])


@given(st.integers(5, 30), st.integers(3, 8), st.integers(0, 99))
def test_they_have_no_mean_fall_in_length_are_uncorrelated_and_point_one_way(rows, columns, seed):
    found = principal_components(drawn(rows, columns, seed))
    assert found.mean(dim=0).abs().max() < 1e-9
    lengths = found.norm(dim=0)
    assert (lengths[:-1] >= lengths[1:]).all()
    products = found.T @ found
    assert (products - products.diag().diag()).abs().max() < 1e-6 * products.max()
    assert (found.gather(0, found.abs().argmax(dim=0, keepdim=True)) > 0).all()


def test_neither_order_nor_a_turn_of_the_tokens_matters():
    tokens = drawn(50, 6)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    turn = torch.linalg.qr(drawn(6, 6, seed=2).double())[0]
    found = principal_components(tokens)
    assert torch.allclose(principal_components(tokens[order]), found[order], atol=1e-6)
    assert torch.allclose(principal_components(tokens.double() @ turn), found, atol=1e-6)


@pytest.mark.parametrize(
    ("tokens", "count", "sentence"),
    [
        (torch.ones(2, 3, 4), 3, r"shape \(2, 3, 4\); expected finite numbers \(N, D\)"),
        (torch.full((9, 4), torch.nan), 3, "expected finite numbers"),
        (drawn(9, 4), 5, "expected 1 to 4"),
        (drawn(3, 8), 3, "expected 1 to 2"),
        (drawn(9, 4), 0, "expected 1 to 4"),
        (torch.full((9, 4), 3.0), 2, "all alike"),
    ],
)
def test_what_has_no_such_components_is_refused(tokens, count, sentence):
    with pytest.raises(ValueError, match=sentence):
        principal_components(tokens, count)

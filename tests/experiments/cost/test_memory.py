import pytest
import torch

from vlmteach.experiments.cost.memory import PeakMemory

KIB = 1024  # 256 float32 numbers


def block(count=1):
    return torch.zeros(count * 256)


def test_tensors_that_live_together_are_counted_together():
    with PeakMemory() as memory:
        a, b = block(), block(2)
        c = a + 1
        del b
    assert memory.peak == 4 * KIB
    assert c.numel() == 256


def test_a_freed_tensor_makes_room():
    with PeakMemory() as memory:
        for _ in range(5):
            a = block(3)
            del a
    assert memory.peak == 3 * KIB


def test_a_view_shares_its_storage():
    with torch.inference_mode(), PeakMemory() as memory:  # here a view holds its base's storage, not its base
        a = block(2)
        views = [a.view(2, 256), a[:10], a.view(256, 2).T]
        del a
        b = block()
    assert memory.peak == 3 * KIB  # the views keep the storage alive
    assert len(views) == 3
    assert b.numel() == 256


def test_the_storage_goes_with_its_last_view():
    with PeakMemory() as memory:
        a = block(2)
        part = a[:10]
        del a, part
        block(1)
    assert memory.peak == 2 * KIB


def test_what_was_there_before_is_not_counted():
    before = block(100)
    with PeakMemory() as memory:
        before.add_(1)
        view = before[:5]
        after = before + 1
    assert memory.peak == 100 * KIB  # of `after` alone
    assert view.numel() == 5
    assert after.numel() == before.numel()


@pytest.mark.parametrize(("rows", "inner", "columns"), [(64, 32, 128), (1, 256, 256)])
def test_a_product_holds_its_result(rows, inner, columns):
    left, right = torch.zeros(rows, inner), torch.zeros(inner, columns)
    with PeakMemory() as memory:
        left @ right
    assert memory.peak == 4 * rows * columns


def test_a_chain_holds_two_links_at_a_time():
    layers = torch.nn.Sequential(*(torch.nn.Linear(256, 256) for _ in range(6)))
    data = torch.zeros(8, 256)
    with torch.inference_mode(), PeakMemory() as memory:
        layers(data)
    assert memory.peak == 2 * 8 * KIB

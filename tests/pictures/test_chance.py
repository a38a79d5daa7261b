import re

import numpy as np
import pytest
from support.scenes import unevenness

from vlmteach.pictures.chance import Chance


def test_the_stream_is_that_of_pcg64():
    words = np.random.PCG64(np.random.SeedSequence([5, 2, 3, 14])).random_raw(4)

    assert Chance((3, 14), stream=5).numbers(1000, 4).tolist() == (words % np.uint64(1000)).tolist()


def test_a_stream_goes_on():
    chance, whole = Chance(1), Chance(1)

    assert [*chance.numbers(9, 3), *chance.numbers(9, 5)] == whole.numbers(9, 8).tolist()


@pytest.mark.parametrize(("seed", "stream"), [(4, 0), ((3, 0), 0), ((0, 3), 0), ((3, 3), 0), (3, 1)])
def test_another_seed_or_stream_gives_other_numbers(seed, stream):
    assert Chance(seed, stream).numbers(1 << 30, 4).tolist() != Chance(3).numbers(1 << 30, 4).tolist()


def test_one_number_may_be_written_as_a_list():
    assert Chance([3]).numbers(1 << 30, 4).tolist() == Chance(3).numbers(1 << 30, 4).tolist()


def test_numbers_are_even_and_keep_below_their_bound():
    numbers = Chance(1).numbers(7, (70, 100))

    assert numbers.shape == (70, 100)
    assert numbers.dtype == np.int64
    assert unevenness(np.bincount(numbers.ravel(), minlength=7)) < 5
    assert numbers.max() == 6


def test_each_number_has_its_own_bound():
    bounds = np.tile([1, 2, 5], 4000)
    numbers = Chance(2).below(bounds).reshape(-1, 3)

    assert numbers.max(axis=0).tolist() == [0, 1, 4]
    assert unevenness(np.bincount(numbers[:, 2])) < 5


def test_others_are_even_over_what_is_free():
    taken = np.repeat([[4], [1]], 12_000, axis=1)  # not in order
    numbers = Chance(3).others(taken, 6)
    counts = np.bincount(numbers, minlength=6)

    assert counts[[1, 4]].tolist() == [0, 0]
    assert unevenness(counts[[0, 2, 3, 5]]) < 5


def test_others_with_nothing_taken_are_any():
    assert unevenness(np.bincount(Chance(4).others(np.empty((0, 9000), dtype=np.int64), 6))) < 5


def test_bytes_are_even_and_in_the_order_of_the_stream():
    bytes_ = Chance(5).bytes((40, 100, 8))
    word = np.random.PCG64(np.random.SeedSequence([0, 1, 5])).random_raw()

    assert bytes_.dtype == np.uint8
    assert bytes_[0, 0].tolist() == list(int(word).to_bytes(8, "little"))
    assert unevenness(np.bincount(bytes_.ravel(), minlength=256)) < 5


@pytest.mark.parametrize("seed", [-1, (), (1, -2), (0.5,), 0.5, None, "3", np.int64(3)], ids=repr)
def test_a_seed_that_is_no_number_is_refused_with_a_sentence(seed):
    with pytest.raises(ValueError, match=re.escape(f"seed is {seed!r}; expected a whole number of 0 or more")):
        Chance(seed)

import pytest
from joblib import parallel_config

from vlmteach.experiments.sweep import sweep

CASES = {"one": 1, "two": 2, "three": 3}


def square(number):
    return number**2


def fail_at_two(number):
    if number == 2:
        raise RuntimeError("two is too much")
    return number**2


def run(function, **options):
    kept = {}
    sweep(function, CASES, kept.__setitem__, progress=False, **options)
    return kept


def test_every_case_is_run_and_kept():
    assert run(square) == {"one": 1, "two": 4, "three": 9}


def test_several_workers_give_the_same_results():
    with parallel_config(backend="threading"):  # the same calls without the seconds that new processes take to start
        assert run(square, workers=2) == {"one": 1, "two": 4, "three": 9}


def test_what_is_done_is_not_run_again():
    assert run(square, done=["one", "three"]) == {"two": 4}


def test_a_result_is_kept_before_the_next_run_starts():
    order = []

    def remember(number):
        order.append(f"run {number}")
        return number

    sweep(remember, CASES, lambda name, _: order.append(f"keep {name}"), progress=False)

    assert order == ["run 1", "keep one", "run 2", "keep two", "run 3", "keep three"]


def test_a_failed_run_does_not_take_the_others_with_it():
    kept = {}
    with pytest.raises(ExceptionGroup, match="1 of 3 runs failed") as error:
        sweep(fail_at_two, CASES, kept.__setitem__, progress=False)

    assert kept == {"one": 1, "three": 9}
    assert [str(each) for each in error.value.exceptions] == ["two is too much"]
    assert error.value.exceptions[0].__notes__ == ["in the case two"]


def test_an_interruption_keeps_what_is_finished():
    kept = {}

    def stop_at_three(number):
        if number == 3:
            raise KeyboardInterrupt
        return number

    with pytest.raises(KeyboardInterrupt):
        sweep(stop_at_three, CASES, kept.__setitem__, progress=False)

    assert kept == {"one": 1, "two": 2}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"workers": 0}, "workers is 0; expected 1 or more"),
        ({"done": ["four"]}, "these are done but are no cases: four"),
    ],
)
def test_bad_arguments_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        run(square, **options)

import pytest

from vlmteach.training import Recipe


def test_the_learning_rate_rises_stays_and_falls_to_zero():
    recipe = Recipe(steps=100, learning_rate=1.0, warmup=10, decay=0.4)
    rates = [recipe.learning_rate_at(step) for step in range(100)]

    assert rates[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
    assert rates[10:61] == [1.0] * 51
    assert rates[60:] == pytest.approx([step / 40 for step in range(40, 0, -1)])


def test_without_warmup_and_decay_the_rate_is_constant():
    recipe = Recipe(steps=5, learning_rate=0.5, warmup=0, decay=0.0)

    assert {recipe.learning_rate_at(step) for step in range(5)} == {0.5}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("warmup", -1),
        ("decay", 1.5),
        ("weight_decay", -0.1),
        ("clip", 0.0),
        ("beta2", -0.1),
        ("beta2", 1.0),
        ("beta2", float("nan")),
        ("seed", -1),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(name, value):
    with pytest.raises(ValueError, match=f"the recipe's {name} is {value}; expected"):
        Recipe(**{"steps": 10, name: value})

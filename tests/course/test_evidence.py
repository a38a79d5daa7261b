import copy
import math

import numpy as np
import pytest

from vlmteach.course.evidence import load_evidence
from vlmteach.course.numbers import KINDS
from vlmteach.nn import TransformerBlock

EVIDENCE = load_evidence()
RECORDS = EVIDENCE.records


@pytest.fixture
def made_up():
    """Evidence whose matrix can be changed."""
    return copy.deepcopy(EVIDENCE)


def far(matrix, encoder, connector, positions=True):
    return [(run, matrix.families.index("far relation")) for run in matrix.runs(encoder, connector, positions)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_every_kind_leads_to_a_number(kind):
    number = EVIDENCE.number(KINDS[kind].example)

    assert number.text
    assert not math.isnan(number.value)


def test_a_text_is_filled_and_the_rest_of_it_stays():
    guess = RECORDS.matrix.guessing[RECORDS.matrix.families.index("where")]

    assert EVIDENCE.fill("{guess: where}; {x} and 3 {guess:where}") == f"{guess:.2f}; {{x}} and 3 {{guess:where}}"


def test_an_accuracy_says_how_many_seeds_stand_behind_it(made_up):
    for (run, number), value in zip(
        far(made_up.records.matrix, "vit", "cross-attention"), (0.5, 0.6, 0.7), strict=True
    ):
        run["accuracy"][number] = value

    assert made_up.number("accuracy: vit, cross-attention, far relation").text == "0.60 (3 seeds, sd 0.10)"
    assert made_up.number("accuracy: vit, resampler, where").text.endswith("(one seed)")


def test_what_a_follow_up_changed_has_an_address_of_its_own(made_up):
    (longer,) = made_up.records.matrix.follow_ups("cnn-large", "prefix")
    longer["accuracy"][made_up.records.matrix.families.index("far relation")] = 0.25
    number = made_up.number("changed: cnn-large, prefix, steps x 3, far relation")

    assert number.value == 0.25
    assert number.text == f"0.25 (6,000 steps at {longer['learning_rate']:.2g}, one seed)"


def test_a_cell_without_positions_has_an_address_of_its_own(made_up):
    for run, number in far(made_up.records.matrix, "cnn-small", "vector", positions=False):
        run["accuracy"][number] = 0.25

    assert made_up.number("accuracy: cnn-small, vector bare, far relation").value == 0.25
    assert made_up.number("accuracy: cnn-small, vector, far relation").value != 0.25


@pytest.mark.parametrize(
    ("steps", "text", "value"),
    [
        ((400, 500, 600), "95% after 500 steps", 500),
        ((400, None, 600), "95% within 2,000 steps in 2 of 3 seeds", math.inf),
        ((None, None, None), "not 95% within 2,000 steps", math.inf),
    ],
)
def test_learning_says_cannot_of_nobody(made_up, steps, text, value):
    for (run, number), reached in zip(far(made_up.records.matrix, "vit", "cross-attention"), steps, strict=True):
        run["steps_to_level"][number] = reached

    number = made_up.number("learned: vit, cross-attention, far relation")

    assert (number.text, number.value) == (text, value)


def test_luck_is_three_standard_deviations_above_the_guess():
    guess = EVIDENCE.number("guess: far relation").value
    questions = RECORDS.matrix.record["tested"]  # two to each far picture, and half of the pictures are far

    assert EVIDENCE.number("luck: far relation").value == pytest.approx(
        guess + 3 * math.sqrt(guess * (1 - guess) / questions)
    )


def test_the_cliff_is_read_by_distance_and_by_its_sides():
    recorded = RECORDS.cliff

    assert EVIDENCE.number("cliff: cnn-3, 4").value == recorded.accuracy_by_distance("cnn-3")[:, 3].mean()
    assert EVIDENCE.number("cliff worst: inside, cnn-3").value == recorded.worst("cnn-3")[0]
    assert EVIDENCE.number("cliff worst: outside, cnn-3").value == recorded.worst("cnn-3")[1]
    steps = recorded.steps_to_level("cnn-6").mean(axis=0)
    assert EVIDENCE.number("cliff slowdown: cnn-6, 6").value == steps[5] / steps[0]


def test_costs_carry_their_units_and_grow_by_a_factor():
    assert EVIDENCE.number("cost: cnn, 384, tokens").text == "2,304"
    assert EVIDENCE.number("growth: vit, 48, 384, tokens").text == "64 times"
    assert EVIDENCE.number("cost: resampler, 384, bytes").text.endswith(" MiB")


def test_hunger_is_read_by_the_size_of_the_set():
    sizes, new, _ = RECORDS.hunger.curve("vit")
    number = RECORDS.hunger.families.index("count")

    assert EVIDENCE.number("hunger: vit, 4096, count").value == new[np.flatnonzero(sizes == 4096)[0], number]


def test_the_share_of_an_mlp_is_counted_on_the_block_of_the_course():
    block = TransformerBlock(64, num_heads=4)
    share = sum(w.numel() for w in block.mlp.parameters()) / sum(w.numel() for w in block.parameters())

    assert EVIDENCE.number("mlp share: 64").value == share


def test_systems_are_counted_and_named():
    number = EVIDENCE.number("systems: cnn-grid, prefix")

    assert (number.value, number.text) == (1, "ConvLLaVA")
    assert EVIDENCE.number("systems: any, prefix").value > number.value


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("accuracy", "there is no number 'accuracy'; expected one like: accuracy: "),
        ("taste: vit", "there is no number 'taste: vit'"),
        ("accuracy: vit, prefix", "has 2 parts behind the colon"),
        ("accuracy: vit, glue, where", "none of the .* recorded runs has .*'glue'"),
        ("changed: cnn-large, prefix, steps x 2, where", "no change 'steps x 2'; expected steps x 3"),
        ("changed: cnn-large, prefix, rate x 3, where", "cnn-large with prefix was not run again with rate x 3"),
        ("changed: vit, prefix, steps x 3, where", "none of the .* recorded follow_ups has .*'vit'"),
        ("accuracy: vit, prefix, colour", "no family of questions 'colour'; expected one of attribute"),
        ("cliff: vit-1, far", "'far' is no whole number"),
        ("cliff worst: beside, vit-1", "no side 'beside'"),
        ("blind: nose, where", "blind to the 'nose'"),
        ("hunger: vit, 7, where", "no set of 7 pictures; expected one of 256"),
        ("cost: vit, 7, flops", "no cost at 7 pixels was recorded; expected one of 48"),
        ("cost: vit, 48, euros", "no 'euros' of 'vit' was recorded"),
        ("cliff: vit-1, 0", "no distance 0; expected 1 to 7"),
        ("cliff slowdown: vit-1, 8", "no distance 8; expected 1 to 7"),
        ("systems: cnn-grid, telepathy", "has no 'telepathy'; expected one of dual, fusion, prefix"),
        ("systems: snake, prefix", "has no 'snake'; expected one of cnn-vector, cnn-grid"),
        ("systems: cnn-vector, single", "has none in 'cnn-vector', 'single'"),
        ("published: AlexNet, OpenAI, accuracy", "no 'accuracy' of AlexNet, OpenAI"),
        ("published: RN50, OpenAI, price", "expected accuracy or gflops"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(address, message):
    with pytest.raises(ValueError, match=message):
        EVIDENCE.number(address)

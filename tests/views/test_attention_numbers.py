import itertools

import numpy as np
import pytest

from vlmteach.views import alt_text
from vlmteach.views import attention_numbers as views

NAMES = ["red circle", "red square", "blue circle", "green square", "blue square", "red square"]
FEATURES = ["red", "green", "blue", "circle"]
TOKENS = np.array([[1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]], float)


CAUSAL = np.tril(np.ones((6, 6), bool))


def one_head(allowed=True):
    query = TOKENS @ np.array([[2, 0, 0, 2], [0, 2, 0, 2], [0, 0, 2, 2], [0, 0, 0, 0]], float)
    scores = query @ TOKENS.T
    powers = np.exp(scores / 2) * allowed
    weights = powers / powers.sum(axis=1, keepdims=True)
    return {
        "query": query,
        "key": TOKENS,
        "value": TOKENS,
        "scores": scores,
        "scaled": scores / 2,
        "weights": weights,
        "output": weights @ TOKENS,
    }


@pytest.mark.mpl_image_compare
def test_six_tokens():
    figure = views.draw_six_tokens(NAMES, TOKENS, FEATURES)
    assert "token 2, blue circle: [0, 0, 1, 1]" in alt_text(figure)
    return figure


@pytest.mark.mpl_image_compare
def test_numbers_of_two_matrices():
    head = one_head()
    figure = views.draw_numbers(
        {"Q": head["query"][:2], "K": head["key"][:2]}, ["red", "blue"], FEATURES, language=True
    )
    text = alt_text(figure)
    assert "Q: red [2, 0, 0, 2]; blue [2, 0, 0, 2]. K: red [1, 0, 0, 1]; blue [1, 0, 0, 0]" in text
    return figure


@pytest.mark.mpl_image_compare
def test_the_softmax_step():
    return views.draw_attention_step("3 softmax", 2, 4, one_head(), NAMES, FEATURES)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("1 scores", "query 2 · key 4 = 0·0 + 0·0 + 2·1 + 2·0 = 2"),
        ("2 scaled", "2 / √4 = 1"),
        ("3 softmax", "exp(1) / (exp(1) + exp(0) + exp(2) + exp(0) + exp(1) + exp(0)) = 2.72 / 15.83 = 0.17"),
        ("4 output", "0.17·value 0 + 0.06·value 1 + 0.47·value 2 + 0.06·value 3 + 0.17·value 4 + 0.06·value 5"),
    ],
)
def test_each_step_writes_out_its_arithmetic(step, sentence):
    text = alt_text(views.draw_attention_step(step, 2, 4, one_head(), NAMES, FEATURES))
    assert "query 2 blue circle and the key 4 blue square" in text
    assert "mask" not in text
    assert sentence in text


@pytest.mark.parametrize(
    ("step", "key", "sentence"),
    [
        ("1 scores", 4, "query 2 · key 4 = 0·0 + 0·0 + 2·1 + 2·0 = 2"),
        ("2 scaled", 0, "2 / √4 = 1"),
        ("2 scaled", 4, "query 2 may not look at key 4: the mask makes 1 −∞"),
        ("3 softmax", 4, "query 2 may not look at key 4: exp(−∞) = 0"),
        ("3 softmax", 0, "exp(1) / (exp(1) + exp(0) + exp(2)) = 2.72 / 11.11 = 0.24"),
        ("4 output", 0, "0.24·value 0 + 0.09·value 1 + 0.67·value 2 = [0.33, 0, 0.67, 0.91]"),
    ],
)
def test_a_masked_step_leaves_out_what_is_blocked(step, key, sentence):
    head = one_head(CAUSAL)
    figure = views.draw_attention_step(step, 2, key, head, NAMES, FEATURES, CAUSAL)
    assert sentence in alt_text(figure)
    assert "A mask blocks 15 of 36 pairs" in alt_text(figure)
    written = len(figure.axes[1].texts)
    assert written == {"1 scores": 36, "2 scaled": 21, "3 softmax": 21, "4 output": 24}[step]


@pytest.mark.parametrize(
    ("step", "rows", "shown"),
    [
        ("1 scores", ["Q, row 2", "K, row 4"], ["0", "0", "2", "2", "0", "0", "1", "0"]),
        ("2 scaled", ["scores, row 2"], ["2", "0", "4", "0", "2", "0"]),
        ("3 softmax", ["scaled, row 2"], ["1", "0", "2", "0", "1", "0"]),
        ("4 output", ["weights, row 2"], ["0.17", "0.06", "0.47", "0.06", "0.17", "0.06"]),
    ],
)
def test_each_step_shows_the_rows_it_starts_from(step, rows, shown):
    read = views.draw_attention_step(step, 2, 4, one_head(), NAMES, FEATURES).axes[0]
    assert [label.get_text() for label in read.get_yticklabels()] == rows
    assert [text.get_text() for text in read.texts] == shown


@pytest.mark.mpl_image_compare
def test_the_scores_step_with_a_row_of_q_and_a_row_of_k():
    return views.draw_attention_step("1 scores", 2, 4, one_head(), NAMES, FEATURES)


@pytest.mark.mpl_image_compare
def test_the_masked_softmax_step():
    return views.draw_attention_step("3 softmax", 2, 4, one_head(CAUSAL), NAMES, FEATURES, CAUSAL)


def test_every_step_query_and_key_can_be_drawn():
    for step, query, key in itertools.product(views.ATTENTION_STEPS, [0, 5], [0, 5]):
        assert f"Step {step}" in alt_text(views.draw_attention_step(step, query, key, one_head(), NAMES, FEATURES))


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match="step is 'softmax'; expected one of 1 scores"):
        views.draw_attention_step("softmax", 0, 0, one_head(), NAMES, FEATURES)

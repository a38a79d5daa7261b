import numpy as np
import pytest

from vlmteach.views import alt_text, draw_roles

FEATURES = ["red", "green", "blue", "circle"]
TOKEN = np.array([1.0, 0, 0, 1])
MATRICES = {
    "W_q": np.array([[2.0, 0, 0, 2], [0, 2, 0, 2], [0, 0, 2, 2], [0, 0, 0, 0]]),
    "W_k": np.eye(4),
    "W_v": np.eye(4)[::-1],
}
RESULTS = dict(zip(["query", "key", "value"], (TOKEN @ matrix for matrix in MATRICES.values()), strict=True))


@pytest.mark.mpl_image_compare
def test_one_token_in_three_roles():
    return draw_roles("0 red circle", TOKEN, MATRICES, RESULTS, FEATURES)


def test_the_description_has_every_result():
    text = alt_text(
        draw_roles(
            "5 blue", np.array([0.0, 0, 3, 0]), {"W_q": MATRICES["W_q"]}, {"query": np.array([0.0, 0, 6, 6])}, FEATURES
        )
    )
    assert (
        text == "One token, 5 blue, [0, 0, 3, 0] over red, green, blue, circle: times W_q it is the query [0, 0, 6, 6]."
    )


@pytest.mark.parametrize("token", [[1, 0, 0, 1], [0, 0, -2, 0], [0, 0, 0, 0]])
def test_the_rows_that_a_token_adds_up_are_framed(token):
    token = np.array(token, float)
    figure = draw_roles("x", token, {"W": MATRICES["W_q"]}, {"query": token @ MATRICES["W_q"]}, FEATURES)
    framed = {frame.get_y() for frame in figure.axes[1].patches}
    assert framed == set(np.flatnonzero(token))


def test_a_result_that_is_not_the_product_is_refused():
    with pytest.raises(
        ValueError, match=r"the key is \[1, 1, 0, 0\]; expected the token times W_k, which is \[1, 0, 0, 1\]"
    ):
        draw_roles("x", TOKEN, MATRICES, RESULTS | {"key": np.array([1.0, 1, 0, 0])}, FEATURES)

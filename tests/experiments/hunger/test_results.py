import pytest

from vlmteach.experiments.hunger import HungerResults, load_results

MADE_UP = HungerResults(
    {
        "families": ["attribute", "count"],
        "guessing": {"count": 0.25, "attribute": 0.2},
        "encoders": {"vit": "ViT", "cnn-large": "CNN"},
        "runs": [
            {"encoder": "vit", "pictures": 1024, "accuracy": [0.6, 0.5], "known": [0.9, 0.8]},
            {"encoder": "cnn-large", "pictures": 256, "accuracy": [0.1, 0.1], "known": [0.1, 0.1]},
            {"encoder": "vit", "pictures": 256, "accuracy": [0.3, 0.2], "known": [1.0, 0.7]},
        ],
    }
)


def test_a_curve_goes_from_few_pictures_to_many():
    pictures, new, known = MADE_UP.curve("vit")

    assert pictures.tolist() == [256, 1024]
    assert new.tolist() == [[0.3, 0.2], [0.6, 0.5]]
    assert known.tolist() == [[1.0, 0.7], [0.9, 0.8]]


def test_guessing_comes_in_the_order_of_the_families():
    assert MADE_UP.guessing.tolist() == [0.2, 0.25]


def test_an_encoder_that_was_not_recorded_is_refused():
    with pytest.raises(ValueError, match="no encoder 'vgg' was recorded; expected one of vit, cnn-large"):
        MADE_UP.curve("vgg")


def test_a_missing_record_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m vlmteach\.experiments\.hunger"):
        load_results(tmp_path)

from pickle import UnpicklingError
from urllib.error import URLError

import pytest
import torch
from torch import nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_V2_Weights

from vlmteach.backbones import WeightsMissing, detect_boxes, load_detector
from vlmteach.nn import RegionEncoder


@pytest.fixture(scope="module")
def detector():
    """The real network with untrained weights, made to keep boxes it is not sure of."""
    detector = load_detector("untrained")
    detector.transform.min_size, detector.transform.max_size = (64,), 96
    detector.roi_heads.score_thresh = 0.0
    detector.rpn._post_nms_top_n["testing"] = 50  # of 1,000, of which each would be looked at
    return detector


@pytest.fixture
def picture():
    return torch.rand(3, 48, 72, generator=torch.Generator().manual_seed(0))


def test_boxes_come_best_first_inside_the_picture_rows_first(detector, picture):
    boxes, scores = detect_boxes(detector, picture, most=5)
    assert boxes.shape == (len(scores), 4)
    assert 1 <= len(scores) <= 5
    assert torch.equal(scores, scores.sort(descending=True).values)
    top, left, bottom, right = boxes.unbind(-1)
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (bottom <= 48).all()
    assert (right <= 72).all()
    assert (bottom > top).all()
    assert (right > left).all()


def test_they_are_torchvisions_own_boxes_in_our_order(detector, picture):
    with torch.no_grad():
        theirs = detector([picture])[0]
    best = theirs["scores"].argmax()
    x1, y1, x2, y2 = theirs["boxes"][best].tolist()
    boxes, scores = detect_boxes(detector, picture, most=1)
    assert boxes[0].tolist() == [y1, x1, y2, x2]
    assert scores[0] == theirs["scores"][best]


def test_detected_boxes_become_region_tokens(detector, picture):
    class Grid(nn.Conv2d):
        def grid(self, image):
            return self(image)

    boxes, _ = detect_boxes(detector, picture, most=3)
    visual = RegionEncoder(Grid(3, 4, 8, stride=8), 4, 6, stride=8)(picture[None], boxes[None])
    assert visual.tokens.shape == (1, len(boxes), 6)
    assert visual.tokens.isfinite().all()


def test_the_same_seed_gives_the_same_detector_and_leaves_the_generator_alone(detector):
    before = torch.get_rng_state()
    again = load_detector("untrained")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(again.rpn.head.cls_logits.weight, detector.rpn.head.cls_logits.weight)


def test_pretrained_weights_come_from_torchs_cache(detector, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    name = FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT.url.rsplit("/", 1)[-1]
    torch.save(detector.state_dict(), folder / name)
    loaded = load_detector("pretrained")
    assert not loaded.training
    key = "roi_heads.box_predictor.cls_score.weight"
    assert torch.equal(loaded.state_dict()[key], detector.state_dict()[key])


class Planted:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code in a file of weights was run')",))


def test_code_in_a_file_of_weights_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save({"weight": Planted()}, folder / FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT.url.rsplit("/", 1)[-1])
    with pytest.raises(UnpicklingError):
        load_detector("pretrained")


def test_weights_that_cannot_be_had_are_told_in_a_sentence(tmp_path, monkeypatch):
    def no_network(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    with pytest.raises(WeightsMissing, match=r"167 MB.*no network.*scene's own boxes"):
        load_detector("pretrained")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d, p: (d, p * 2), r"\[0, 1\]"),
        (lambda d, p: (d, p[None]), "four axes"),
        (lambda d, p: (d, p[:, :8]), "at least 16"),
        (lambda d, p: (d, p / 0), "NaN or infinite"),
    ],
)
def test_what_is_no_picture_is_refused(detector, picture, change, words):
    with pytest.raises(ValueError, match=words):
        detect_boxes(*change(detector, picture))


def test_other_bad_arguments_are_refused(detector, picture):
    with pytest.raises(ValueError, match="most is 0"):
        detect_boxes(detector, picture, most=0)
    with pytest.raises(ValueError, match="untrained"):
        load_detector("best")
    with pytest.raises(ValueError, match="training mode"):
        detect_boxes(nn.Identity().train(), picture)

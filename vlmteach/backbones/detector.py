"""Boxes from torchvision's Faster R-CNN: what region-based systems ask a detector for.

Systems of the region era took the 10 to 100 boxes that a Faster R-CNN trained on Visual Genome was surest of. Its
weights are not part of torchvision; torchvision's own, trained on COCO, stand in for it here.
Sources: Faster R-CNN (1506.01497); Bottom-Up and Top-Down Attention (1707.07998).
"""

from __future__ import annotations

from urllib.error import URLError

import torch
from torch import Tensor, nn

from vlmteach.backbones.weights import Weights, WeightsMissing, drawn_from, is_pretrained
from vlmteach.nn.checks import check_picture

SMALLEST_SIDE = 16  # pixels; below it the deepest level of the feature pyramid has nothing to look at


def load_detector(weights: Weights, seed: int = 0) -> nn.Module:
    """Faster R-CNN, torchvision's fasterrcnn_resnet50_fpn_v2, in eval mode.

    weights: "pretrained" loads torchvision's COCO ones, from its cache or the network; "untrained" draws them from
    `seed`: its boxes mean nothing, but every step that leads to them is the real one.
    Raises WeightsMissing when pretrained ones cannot be had, ValueError for another kind.
    """
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_V2_Weights, fasterrcnn_resnet50_fpn_v2

    with drawn_from(seed, replaced=is_pretrained(weights)):
        detector = fasterrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None).eval()
    if not is_pretrained(weights):
        return detector
    entry = FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT
    try:
        # torchvision has them as a pickle only: weights_only reads the tensors in it and refuses to run anything
        detector.load_state_dict(entry.get_state_dict(progress=True, check_hash=True, weights_only=True))
        return detector
    except (URLError, OSError) as error:
        raise WeightsMissing(
            f"the pretrained weights of the detector ({entry.meta['_file_size']:.0f} MB, "
            f"{entry.url.rsplit('/', 1)[-1]}) are not in torch's cache and could not be fetched ({error}). "
            f"Run this once with a network, copy the file to {torch.hub.get_dir()}/checkpoints, "
            "or go on with the scene's own boxes."
        ) from error


@torch.no_grad()
def detect_boxes(detector: nn.Module, picture: Tensor, most: int = 36) -> tuple[Tensor, Tensor]:
    """The boxes the detector is surest of, best first.

    picture: (3, H, W), values in [0, 1]; the detector resizes and normalises it itself. most: how many at most.
    Returns boxes (R, 4), (top, left, bottom, right) in pixels of the picture, and their scores (R,), R <= most.
    R may be 0: a detector that is sure of nothing says so, and region_tokens will refuse an empty list.
    Raises ValueError for a detector in training mode, and for what is no such picture.
    """
    if most < 1:
        raise ValueError(f"most is {most}; expected the number of boxes to keep, 1 or more.")
    if detector.training:
        raise ValueError("the detector is in training mode and would ask for targets; call detector.eval() first.")
    check_picture(picture[None], at_least=SMALLEST_SIDE)
    if picture.min() < 0 or picture.max() > 1:
        raise ValueError(
            f"the picture's values lie in [{picture.min():.2f}, {picture.max():.2f}]; expected [0, 1]: the detector "
            "normalises by itself. Give the picture before any normalisation."
        )
    found = detector([picture])[0]
    best = found["scores"].argsort(descending=True, stable=True)[:most]
    return found["boxes"][best][:, [1, 0, 3, 2]], found["scores"][best]

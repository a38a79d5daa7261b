"""What ImageNet calls the things in it."""

from __future__ import annotations

from torch import Tensor


def name_classes(scores: Tensor, most: int = 3) -> list[tuple[str, float]]:
    """The likeliest classes of a picture and their probabilities, likeliest first.

    scores: (1000,), a classifier's numbers before the softmax; for instance `encoder.model(image)[0]` of an encoder
    that was trained on ImageNet's labels. most: how many. The names are WordNet's, as timm keeps them.
    Raises ValueError for another number of scores.
    """
    from timm.data import ImageNetInfo

    names = ImageNetInfo()
    if scores.shape != (names.num_classes(),):
        raise ValueError(
            f"the scores have the shape {tuple(scores.shape)}; expected ({names.num_classes()},), those of one picture "
            "by a network that was trained on ImageNet's labels."
        )
    best = scores.detach().softmax(dim=0).topk(most)
    words = [names.index_to_description(int(index)).partition(",")[0] for index in best.indices]
    return list(zip(words, best.values.tolist(), strict=True))

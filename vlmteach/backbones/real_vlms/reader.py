"""Run a tiny real system: the tokens that its connector hands on, and its answer after some words."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.backbones.real_vlms.build import quiet
from vlmteach.backbones.real_vlms.facts import RealVLM
from vlmteach.backbones.real_vlms.picture import Prepared, prepare
from vlmteach.backbones.real_vlms.tiny import IMAGE_TOKEN

FIRST_WORD = 1


def visual_tokens(about: RealVLM, model: Any, prepared: Prepared) -> Tensor:
    """What the language model gets of a picture, in its order: (N, D)."""
    inputs = dict(prepared.inputs)
    inner = getattr(model, "model", model)
    if about.name == "llama_3_2_11b_vision":
        seen = inner.vision_model(**inputs).last_hidden_state
        handed = inner.multi_modal_projector(seen)[0, 0, : len(prepared.tiles)]
    elif about.model == "LlavaForConditionalGeneration":
        layer, strategy = model.config.vision_feature_layer, model.config.vision_feature_select_strategy
        handed = inner.get_image_features(
            **inputs, vision_feature_layer=layer, vision_feature_select_strategy=strategy, return_dict=True
        ).pooler_output
    elif about.name == "fuyu_8b":
        handed = inner.get_image_features(**inputs, return_dict=True).last_hidden_state
    else:
        handed = inner.get_image_features(**inputs, return_dict=True).pooler_output
    parts = [handed] if isinstance(handed, Tensor) else list(handed)
    return torch.cat([part.flatten(0, -2) for part in parts])


def _unheard(function: Callable[..., int], *arguments: int) -> int:
    """Call it in a thread of its own: a probe that listens to this one would take another network's layers for ours."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(function, *arguments).result()


class Reader(nn.Module):
    """A tiny real system with some words after the picture: (B, 3, H, W) in [0, 1] -> (B, vocabulary).

    The words are `words` (L,), each below IMAGE_TOKEN; what comes out are the scores of the word after the last one.
    count: (height, width) -> the number of visual tokens.
    """

    def __init__(
        self, about: RealVLM, model: Any, image_processor: Any, words: Tensor, count: Callable[[int, int], int]
    ) -> None:
        super().__init__()
        given = isinstance(words, Tensor) and words.ndim == 1 and len(words) > 0 and not words.is_floating_point()
        if not given or not 0 <= int(words.min()) <= int(words.max()) < IMAGE_TOKEN:
            raise ValueError(
                f"words is {words!r}; expected word numbers, a tensor (L,) of integers in 0…{IMAGE_TOKEN - 1}."
            )
        self.about, self.image_processor, self.words, self.count = about, image_processor, words, count
        self.model = model
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, vocabulary)."""
        with quiet():
            return torch.cat([self._scores(picture)[:, -1] for picture in pictures])

    def _scores(self, picture: Tensor) -> Tensor:
        prepared = prepare(self.about, self.image_processor, picture)
        inputs: dict[str, Any] = dict(prepared.inputs)
        if self.about.name == "llama_3_2_11b_vision":
            ids = torch.cat([torch.tensor([IMAGE_TOKEN, FIRST_WORD]), self.words])[None]
            tiles = prepared.inputs["aspect_ratio_mask"][:, None].expand(-1, ids.shape[1], -1, -1)
            return self.model(input_ids=ids, cross_attention_mask=tiles, **inputs).logits
        picture_words = torch.full((_unheard(self.count, *picture.shape[1:]),), IMAGE_TOKEN)
        ids = torch.cat([picture_words, torch.tensor([FIRST_WORD]), self.words])[None]
        if self.about.name == "paligemma_3b_896":
            inputs["token_type_ids"] = torch.zeros_like(ids)  # 0: all of it is the prefix
        elif self.about.name == "gemma_3_4b":
            inputs["token_type_ids"] = (ids == IMAGE_TOKEN).long()
        elif self.about.name == "fuyu_8b" and "pixel_values" not in signature(self.model.model.forward).parameters:
            inputs = {"image_patches": inputs["pixel_values"]}  # until 5.23
        elif self.about.name == "qwen2_5_vl_3b":
            inputs["mm_token_type_ids"] = (ids == IMAGE_TOKEN).int()
        return self.model(input_ids=ids, **inputs).logits

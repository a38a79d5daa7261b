"""A real vision-language model, opened: its parts, what each costs, and what becomes of a picture of any size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from vlmteach.backbones.real_vlms.build import (
    Size,
    build_image_processor,
    build_model,
    find_real_vlm,
    quiet,
)
from vlmteach.backbones.real_vlms.facts import RealVLM
from vlmteach.backbones.real_vlms.masks import Mask, read_mask
from vlmteach.backbones.real_vlms.picture import (
    SMALLEST,
    Prepared,
    boxes_of_tile,
    coordinates,
    first_tile,
    prepare,
)
from vlmteach.backbones.real_vlms.reader import Reader, visual_tokens
from vlmteach.backbones.real_vlms.windows import window_of_tokens
from vlmteach.nn.checks import check_picture
from vlmteach.nn.tokens import VisualTokens

_COUNTED: dict[tuple[str, tuple[int, ...]], int] = {}
PARTS = ("encoder", "connector", "language model")


@dataclass(frozen=True)
class OpenVLM:
    """A real system as its library builds it, with numbers drawn at random or none at all.

    about: what is known of it, and where that was read. size: "meta" has the real sizes and no weights; "tiny" has the
    same classes, patches, tiles and windows, few layers and narrow ones, and runs. model: the library's own.
    """

    about: RealVLM
    size: Size
    model: nn.Module = field(repr=False)
    image_processor: Any = field(repr=False)

    @property
    def encoder(self) -> nn.Module | None:
        """The image encoder; None where the language model reads the patches themselves."""
        return None if self.about.encoder is None else self.model.get_submodule(self.about.encoder)

    @property
    def connector(self) -> nn.ModuleDict:
        """The modules between encoder and language model, under their last names."""
        names = [name for name in self.about.connector if name not in dict(self.model.named_parameters())]
        return nn.ModuleDict({name.rpartition(".")[2]: self.model.get_submodule(name) for name in names})

    @property
    def language_model(self) -> nn.Module:
        """The language model, without the layer that scores the vocabulary."""
        return self.model.get_submodule(self.about.language_model)

    @cached_property
    def parameters(self) -> Mapping[str, int]:
        """How many parameters each part has: "encoder", "connector" and "language model"; those shared count once."""
        counts = dict.fromkeys(PARTS, 0)
        for name, parameter in self.model.named_parameters():
            counts[self._part_of(name)] += parameter.numel()
        return MappingProxyType(counts)

    def tokens(self, height: int, width: int) -> int:
        """How many visual tokens of a picture of this size meet the words.

        Rows and tiles also get marks between them (line breaks, tile numbers), which are words and are not counted.
        Raises ValueError for sides below 32 pixels.
        """
        return len(self.boxes(height, width))

    def boxes(self, height: int, width: int) -> Tensor:
        """The part of the picture that each visual token is made from: (N, 4) as (top, left, bottom, right) in [0, 1].

        What was cropped away is in no box; a tile that shows the whole picture once more has boxes of its own; a
        learned query has the whole picture; a token that sees padding only has an empty box at the edge. The box is
        where the patches or the cell of the token lie: an encoder's layers mix further afield.
        Raises ValueError for sides below 32 pixels.
        """
        return _boxes(self.about.name, *_sides(height, width))

    def mask(self, height: int = 64, width: int = 64, words: int = 4) -> Mask:
        """Which pairs the language model's layers allow, for a picture of this size with words after it.

        Read from a tiny system's own layers, whose masks do not depend on their widths.
        """
        picture = torch.full((1, 3, *_sides(height, width)), 0.25)  # 0.5 may become zeros, SmolVLM's padding
        twin = _twin(self.about.name)
        reader = twin.reader(torch.full((words,), 2))
        return read_mask(lambda: reader(picture), twin.language_model, self.tokens(height, width))

    def windows(self, height: int, width: int) -> Tensor | None:
        """In which window of the encoder each visual token lies, (N,), or None for an encoder whose layers all see all.

        Layers that look beyond their window all the same are named by `full_layers`.
        """
        if "config.vision_config.window_size" not in self.about.values:
            return None
        twin = _twin(self.about.name)
        prepared = twin.prepare(torch.full((3, *_sides(height, width)), 0.25))
        return window_of_tokens(twin.encoder, prepared.inputs["image_grid_thw"])

    @property
    def full_layers(self) -> tuple[int, ...] | None:
        """The encoder's layers that see the whole picture, counted from 0, where the others stay inside windows."""
        layers = self.about.values.get("config.vision_config.fullatt_block_indexes")
        return None if layers is None else tuple(layers)

    def prepare(self, picture: Tensor) -> Prepared:
        """The inputs and tiles that the library's image processor makes of a picture (3, H, W) in [0, 1].

        Raises TypeError or ValueError for something else than one such picture, or for sides below 32 pixels.
        """
        check_picture(picture[None] if isinstance(picture, Tensor) and picture.ndim == 3 else picture)
        _sides(*picture.shape[-2:])
        return prepare(self.about, self.image_processor, picture)

    def see(self, picture: Tensor) -> VisualTokens:
        """The visual tokens of a picture (3, H, W) in [0, 1], as the language model gets them. Only of a tiny one."""
        self._needs_weights("see a picture")
        with torch.no_grad(), quiet():
            tokens = visual_tokens(self.about, self.model, self.prepare(picture))
        boxes = self.boxes(*picture.shape[1:])
        return VisualTokens(tokens[None], boxes[None].to(tokens.dtype))

    def reader(self, words: Tensor) -> nn.Module:
        """The whole system with these words after the picture: (B, 3, H, W) in [0, 1] -> scores of the next word.

        words: word numbers, (L,), below 95. The probes take it as they take any network. Only of a tiny one.
        """
        self._needs_weights("read words")
        return Reader(self.about, self.model, self.image_processor, words, self.tokens)

    def _part_of(self, parameter: str) -> str:
        if any(f"{parameter}.".startswith(f"{name}.") for name in self.about.connector):
            return "connector"
        inside = self.about.encoder is not None and parameter.startswith(f"{self.about.encoder}.")
        return "encoder" if inside else "language model"

    def _needs_weights(self, wish: str) -> None:
        if self.size == "meta":
            raise ValueError(
                f"{self.about.title} was opened on the meta device, where it has no weights, and cannot {wish}; "
                f'open_vlm("{self.about.name}", size="tiny") can.'
            )


def open_vlm(name: str, size: Size = "meta", seed: int = 0) -> OpenVLM:
    """Open a real system, offline: the library's own class, from configuration values that were read.

    name: one of REAL_VLMS. size: "meta" builds it as large as it is, without a single weight; "tiny" builds one of the
    same shape that runs in a second, its weights drawn from `seed`; the global generator is left alone.
    Raises ValueError for an unknown name or size, or a value that this version of the library does not know;
    TransformersMissing when the library is missing or too old.
    """
    about = find_real_vlm(name)
    return OpenVLM(about, size, build_model(about, size, seed), build_image_processor(about))


def _sides(height: int, width: int) -> tuple[int, int]:
    if not all(isinstance(side, int) and side >= SMALLEST for side in (height, width)):
        raise ValueError(f"a picture of {height!r} x {width!r} pixels; expected whole sides of {SMALLEST} or more.")
    return height, width


@cache
def _twin(name: str) -> OpenVLM:
    return open_vlm(name, "tiny")


@cache
def _boxes(name: str, height: int, width: int) -> Tensor:
    """The tiny twin counts the tokens, since it cuts a picture as the real one does."""
    twin = _twin(name)
    prepared = coordinates(twin.about, twin.image_processor, height, width)
    tile = tuple(prepared.tiles[0].shape[1:])
    if (name, tile) not in _COUNTED:  # a system makes as many tokens of one tile as of another
        with torch.no_grad(), quiet():
            count = len(visual_tokens(twin.about, twin.model, first_tile(prepared)))
        _COUNTED[name, tile] = count
    each = _COUNTED[name, tile]
    if "config.num_query_tokens" in twin.about.values:
        return torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(each, 1)
    whole_first = name == "llama_3_2_11b_vision"  # its CLS token meets the words as well
    return torch.cat([boxes_of_tile(tile, each, whole_first) for tile in prepared.tiles])

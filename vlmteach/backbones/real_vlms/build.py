"""Build a real vision-language model from the library's own class and what is known about its configuration."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from packaging.version import Version
from torch import nn

from vlmteach.backbones.real_vlms.facts import RealVLM, load_real_vlms
from vlmteach.backbones.real_vlms.tiny import CODES, IMAGE_TOKEN, TINY, code_words, shrunk, wake
from vlmteach.backbones.weights import drawn_from

Size = Literal["meta", "tiny"]
LATE = ("vision_use_head",)  # read by SigLIP's model before its configuration declared it
OLDEST = "5.20"  # of transformers: the oldest with which every system was tried


class TransformersMissing(RuntimeError):
    """A real system was asked for, and the library that builds it is missing or too old; the sentence says more."""


def import_transformers() -> Any:
    """The library. Raises TransformersMissing when it cannot be imported, or is older than OLDEST."""
    ask = f'pip install "transformers>={OLDEST}"'
    try:
        import transformers
    except ImportError as error:
        raise TransformersMissing(
            f"real vision-language models are built by the package transformers, which cannot be imported ({error}); "
            f"install it with {ask}."
        ) from error
    if Version(transformers.__version__) < Version(OLDEST):
        raise TransformersMissing(
            f"transformers is {transformers.__version__}; real vision-language models need {OLDEST} or newer. "
            f"Install it with {ask}, then restart the kernel."
        )
    return transformers


def find_real_vlm(name: str) -> RealVLM:
    """What is known about the system of this name. Raises ValueError for an unknown one."""
    known = load_real_vlms()
    if name not in known:
        raise ValueError(f"there is no real system {name!r}; expected one of {', '.join(known)}.")
    return known[name]


def build_model(about: RealVLM, size: Size, seed: int) -> nn.Module:
    """The library's model in eval mode: on the meta device, without weights, or tiny, with weights from `seed`."""
    config = build_config(about, size)
    with quiet(), drawn_from(seed), torch.device("meta" if size == "meta" else "cpu"):
        model = getattr(import_transformers(), about.model)(config).eval().requires_grad_(False)
        if size == "tiny":
            wake(model)
    return model


def build_config(about: RealVLM, size: Size) -> Any:
    """The library's configuration. Raises ValueError for a value whose field it does not have."""
    if size not in ("meta", "tiny"):
        raise ValueError(f'size is {size!r}; expected "meta" (the real sizes, no weights) or "tiny".')
    library = import_transformers()
    options = about.options("config")
    if size == "tiny":
        options = shrunk(options, TINY[about.name])
        if "vocabulary_map" in options:
            options["vocabulary_map"] = {"<image>": IMAGE_TOKEN} | code_words(CODES, 4)
    with quiet():
        kind = getattr(library, about.config)
        config = kind(**options)
        _check_fields(about, about.options("config"), config, kind(), f"transformers {library.__version__}")
    return config


def build_image_processor(about: RealVLM) -> Any:
    """The library's image processor. Raises ValueError for a value whose field it does not have."""
    library = import_transformers()
    options = about.options("image_processor")
    with quiet():
        processor = getattr(library, about.image_processor)(**options)
    for field in options:
        if not hasattr(type(processor), field) and field not in ("min_pixels", "max_pixels"):  # parts of `size` by now
            raise ValueError(_no_field(about, about.image_processor, field, f"transformers {library.__version__}"))
    return processor


def _check_fields(about: RealVLM, options: Mapping[str, Any], config: Any, plain: Any, library: str) -> None:
    """A configuration keeps a field that it does not know, and the model ignores it: look for it in a plain one."""
    for field, value in options.items():
        part, plain_part = getattr(config, field, None), getattr(plain, field, None)
        if isinstance(value, dict) and hasattr(part, "to_dict"):
            inner = {name: one for name, one in value.items() if name != "model_type"}
            kind: Any = type(part)
            _check_fields(about, inner, part, plain_part if kind is type(plain_part) else kind(), library)
        elif not any(hasattr(one, field) for one in (plain, getattr(plain, "text_config", None))) and field not in LATE:
            raise ValueError(_no_field(about, type(config).__name__, field, library))


def _no_field(about: RealVLM, kind: str, field: str, library: str) -> str:
    return f"{about.name}: {kind} of {library} has no field {field!r}, so the value that was read would be ignored."


@contextmanager
def quiet() -> Iterator[None]:
    """Inside it the library only says what is wrong: its advice is for those who use trained weights."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)

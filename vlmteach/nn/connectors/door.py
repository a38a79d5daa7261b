"""What every connector asks of what it is given: one check at the door, so that mistakes speak there."""

from __future__ import annotations

from torch import Tensor

from vlmteach.nn.tokens import VisualTokens


def check_visual(visual: VisualTokens, dim: int | None = None) -> None:
    """Raise unless `visual` holds at least one finite token, of width dim where a width is asked for.

    Raises TypeError for anything that is not VisualTokens, else ValueError.
    """
    if not isinstance(visual, VisualTokens):
        raise TypeError(
            f"a connector was given a {type(visual).__name__}; expected VisualTokens(tokens, boxes). Every encoder "
            "of this package returns it; a grid becomes it with grid_to_tokens and grid_boxes."
        )
    if dim is not None:
        _check_width("the visual tokens", visual.tokens, dim)
    if visual.tokens.shape[1] == 0:
        raise ValueError("there are zero visual tokens; expected one or more for each picture.")
    _check_finite("the visual tokens", visual.tokens)


def check_text(text: Tensor, dim: int, batch: int) -> None:
    """Raise unless `text` is (batch, T, dim), T >= 1, and finite: embedded words, not their numbers.

    Raises TypeError for anything that is no tensor, else ValueError.
    """
    if not isinstance(text, Tensor):
        raise TypeError(f"the text is a {type(text).__name__}; expected a tensor (B, T, {dim}) of embedded words.")
    if text.ndim != 3:
        raise ValueError(
            f"the text has shape {tuple(text.shape)}; expected three axes (B, T, {dim}). Word numbers (B, T) become "
            "that in an nn.Embedding; one vector for each question needs a middle axis: text[:, None]."
        )
    _check_width("the text tokens", text, dim)
    if text.shape[0] != batch:
        raise ValueError(
            f"there are {text.shape[0]} texts for {batch} pictures; expected one text for each picture. "
            "Repeat the pictures with repeat_interleave when each has several questions."
        )
    if text.shape[1] == 0:
        raise ValueError("the text has zero tokens; expected one or more. Even an empty question has a start token.")
    _check_finite("the text tokens", text)


def _check_width(what: str, tokens: Tensor, dim: int) -> None:
    if tokens.shape[-1] != dim:
        raise ValueError(
            f"{what} are {tokens.shape[-1]} wide; this connector was built for {dim}. Build it with the width of what "
            "it is given, or put a Projector in front."
        )


def _check_finite(what: str, tokens: Tensor) -> None:
    if not tokens.isfinite().all():
        raise ValueError(
            f"{what} hold NaN or infinite values; expected finite numbers. Look at what the encoder was given, or "
            "lower the learning rate."
        )

"""The parts of a vision-language model, written to be read. Imports torch and nothing else of ours."""

from vlmteach.nn.tokens import (
    VisualTokens,
    grid_boxes,
    grid_to_tokens,
    patchify,
    pool_tokens,
    space_to_depth_tokens,
    tokens_to_grid,
    unpatchify,
)

__all__ = [
    "VisualTokens",
    "grid_boxes",
    "grid_to_tokens",
    "patchify",
    "pool_tokens",
    "space_to_depth_tokens",
    "tokens_to_grid",
    "unpatchify",
]

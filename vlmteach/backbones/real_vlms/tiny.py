"""Twins of real systems that run in a second: the same classes, patches, tiles and windows; few layers, narrow ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from vlmteach.backbones.weights import open_branches

IMAGE_TOKEN, WORDS = 95, 96  # the number of the word that stands for a visual token, and the size of the vocabulary
SPREAD = {"initializer_range": 0.2}  # about 1 / sqrt(width): attention that is not even, scores that differ
LANGUAGE = SPREAD | {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "vocab_size": WORDS,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GROUPED = LANGUAGE | {"num_key_value_heads": 1, "head_dim": 16}
ENCODER = SPREAD | {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
CODES = 32  # of Chameleon's codebook
TINY: dict[str, dict[str, Any]] = {
    "llava_1_5_7b": {
        "vision_config": ENCODER | {"initializer_factor": 4.0},
        "text_config": LANGUAGE,
        "image_token_index": IMAGE_TOKEN,
    },
    "pixtral_12b": {"vision_config": ENCODER, "text_config": GROUPED, "image_token_index": IMAGE_TOKEN},
    "paligemma_3b_896": {
        "vision_config": ENCODER | {"projection_dim": 32},
        "text_config": GROUPED,
        "projection_dim": 32,
        "image_token_index": IMAGE_TOKEN,
    },
    "smolvlm2_500m": {"vision_config": ENCODER, "text_config": GROUPED, "image_token_id": IMAGE_TOKEN},
    "fastvlm_7b": {
        # the last two stages attend, with heads of width 32
        "vision_config": {
            "hidden_size": 128,
            "model_args": {
                "inference_mode": True,
                "layers": (1, 1, 1, 1, 1),
                "embed_dims": (8, 16, 32, 32, 64),
                "mlp_ratios": (2, 2, 2, 2, 2),
            },
        },
        "text_config": GROUPED,
        "image_token_index": IMAGE_TOKEN,
    },
    "blip2_opt_2_7b": {
        "vision_config": ENCODER,
        "qformer_config": ENCODER | {"encoder_hidden_size": 32, "vocab_size": WORDS},
        "text_config": LANGUAGE | {"ffn_dim": 48, "word_embed_proj_dim": 32, "init_std": 0.2},
        "image_token_index": IMAGE_TOKEN,
    },
    "internvl3_1b": {"vision_config": ENCODER, "text_config": GROUPED, "image_token_id": IMAGE_TOKEN},
    "qwen2_5_vl_3b": {
        "vision_config": SPREAD
        | {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
        },
        "text_config": GROUPED
        | {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]}},
        "image_token_id": IMAGE_TOKEN,
    },
    "llama_3_2_11b_vision": {
        "vision_config": SPREAD
        | {
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "attention_heads": 2,
            "num_global_layers": 1,
            "intermediate_layers_indices": [0],
            "vision_output_dim": 64,
        },
        "text_config": LANGUAGE | {"num_key_value_heads": 1, "cross_attention_layers": [1]},
        "image_token_index": IMAGE_TOKEN,
    },
    "gemma_3_4b": {"vision_config": ENCODER, "text_config": GROUPED, "image_token_index": IMAGE_TOKEN},
    "fuyu_8b": LANGUAGE | {"image_token_id": IMAGE_TOKEN},
    "chameleon_7b": LANGUAGE
    | {
        "num_key_value_heads": 1,
        "vq_config": {
            "base_channels": 32,
            "channel_multiplier": [1, 1, 1, 1, 1],
            "embed_dim": 8,
            "latent_channels": 8,
            "num_embeddings": CODES,
            "num_res_blocks": 1,
        },
    },
}


def wake(model: nn.Module) -> None:
    """Let every part of a random system count.

    Its library starts gates and layer scales at or near zero, learned queries and tables at zero, and convolutions so
    small that a picture is lost on its way through a deep tower: right for training, useless for looking.
    """
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight)
        for parameter in model.parameters():
            if parameter.ndim > 1 and not parameter.any():
                nn.init.normal_(parameter)
    open_branches(model)


def shrunk(options: Mapping[str, Any], smaller: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a configuration with smaller numbers put in, nested as they are."""
    merged = dict(options)
    for name, value in smaller.items():
        nested = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = shrunk(merged[name], value) if nested else value
    return merged


def code_words(codes: int, first: int) -> dict[str, int]:
    """Chameleon's vocabulary of pictures: code i of the codebook is the word `first` + i, digits spelt as letters."""
    digits = str.maketrans("0123456789", "ABCDEFGHIJ")
    return {f"IMGIMG{str(code).translate(digits)}Z": first + code for code in range(codes)}

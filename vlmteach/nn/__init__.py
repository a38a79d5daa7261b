"""The parts of a vision-language model, written to be read. Imports torch, and nothing else of this package."""

from vlmteach.nn.attention import AttentionPool2d, CrossAttention, MultiHeadAttention, attention
from vlmteach.nn.connectors import (
    AddPositions,
    AttentionPool,
    ClsPool,
    Connect,
    CrossAttentionConnector,
    DropPrefixTokens,
    DualEncoderHead,
    GatedCrossAttention,
    MeanPool,
    NormTokens,
    PerceiverResampler,
    Prefix,
    Projector,
    QFormer,
    SingleStream,
    SpaceToDepth,
    VectorFusion,
    causal_mask,
    contrastive_loss,
    prefix_lm_mask,
    prefix_targets,
)
from vlmteach.nn.conv_stem_vit import ConvStem, ConvStemViT
from vlmteach.nn.convnet import ConvNet
from vlmteach.nn.language import LanguageModel, WordTokenizer
from vlmteach.nn.lora import LoRA, with_lora
from vlmteach.nn.positions import Rope2d, box_positions, resample_positions, sincos_positions
from vlmteach.nn.regions import RegionEncoder, box_geometry, region_tokens
from vlmteach.nn.tokens import (
    VisualTokens,
    grid_boxes,
    grid_to_tokens,
    on_grid,
    patchify,
    tokens_to_grid,
    unpatchify,
    whole_picture,
)
from vlmteach.nn.transformer import TransformerBlock
from vlmteach.nn.vit import PatchEmbed, VisionTransformer
from vlmteach.nn.vlm import VisionLanguageModel, packed_mask
from vlmteach.nn.windows import neighbour_mask, reach_of, window_mask

__all__ = [
    "AddPositions",
    "AttentionPool",
    "AttentionPool2d",
    "ClsPool",
    "Connect",
    "ConvNet",
    "ConvStem",
    "ConvStemViT",
    "CrossAttention",
    "CrossAttentionConnector",
    "DropPrefixTokens",
    "DualEncoderHead",
    "GatedCrossAttention",
    "LanguageModel",
    "LoRA",
    "MeanPool",
    "MultiHeadAttention",
    "NormTokens",
    "PatchEmbed",
    "PerceiverResampler",
    "Prefix",
    "Projector",
    "QFormer",
    "RegionEncoder",
    "Rope2d",
    "SingleStream",
    "SpaceToDepth",
    "TransformerBlock",
    "VectorFusion",
    "VisionLanguageModel",
    "VisionTransformer",
    "VisualTokens",
    "WordTokenizer",
    "attention",
    "box_geometry",
    "box_positions",
    "causal_mask",
    "contrastive_loss",
    "grid_boxes",
    "grid_to_tokens",
    "neighbour_mask",
    "on_grid",
    "packed_mask",
    "patchify",
    "prefix_lm_mask",
    "prefix_targets",
    "reach_of",
    "region_tokens",
    "resample_positions",
    "sincos_positions",
    "tokens_to_grid",
    "unpatchify",
    "whole_picture",
    "window_mask",
    "with_lora",
]

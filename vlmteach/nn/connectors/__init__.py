"""Connectors: what turns visual tokens into what a language model reads.

Two kinds. A *translator* takes VisualTokens and returns VisualTokens (Projector, PerceiverResampler, QFormer, the pools
and the steps of layout): they chain with nn.Sequential and end in front of the words (prefix). A *meeting* takes
VisualTokens and text (B, T, dim) and returns the result (VectorFusion, CrossAttentionConnector,
GatedCrossAttention, SingleStream, DualEncoderHead). None asks which encoder made the tokens.
"""

from vlmteach.nn.connectors.connect import Connect
from vlmteach.nn.connectors.contrastive import DualEncoderHead, contrastive_loss
from vlmteach.nn.connectors.cross_attention import CrossAttentionConnector, GatedCrossAttention
from vlmteach.nn.connectors.layout import AddPositions, DropPrefixTokens, NormTokens, SpaceToDepth
from vlmteach.nn.connectors.prefix import Prefix, causal_mask, prefix_lm_mask, prefix_targets
from vlmteach.nn.connectors.projector import Projector
from vlmteach.nn.connectors.qformer import QFormer
from vlmteach.nn.connectors.resampler import PerceiverResampler
from vlmteach.nn.connectors.single_stream import SingleStream
from vlmteach.nn.connectors.vector import AttentionPool, ClsPool, MeanPool, VectorFusion

__all__ = [
    "AddPositions",
    "AttentionPool",
    "ClsPool",
    "Connect",
    "CrossAttentionConnector",
    "DropPrefixTokens",
    "DualEncoderHead",
    "GatedCrossAttention",
    "MeanPool",
    "NormTokens",
    "PerceiverResampler",
    "Prefix",
    "Projector",
    "QFormer",
    "SingleStream",
    "SpaceToDepth",
    "VectorFusion",
    "causal_mask",
    "contrastive_loss",
    "prefix_lm_mask",
    "prefix_targets",
]

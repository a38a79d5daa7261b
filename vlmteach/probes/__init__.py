"""Measure any network: these functions take any nn.Module, return numbers and never draw."""

from vlmteach.probes.answer import ProbedAnswer, probe_answer
from vlmteach.probes.attention import AttentionMaps, attention_maps
from vlmteach.probes.attention_statistics import (
    attention_entropy,
    attention_rollout,
    mean_attention_distance,
)
from vlmteach.probes.components import principal_components
from vlmteach.probes.depth import distance_by_depth
from vlmteach.probes.distance import weighted_distance
from vlmteach.probes.effective import (
    effective_receptive_field,
    erf_share,
    erf_sigma,
    erf_size,
    noise_images,
)
from vlmteach.probes.occlusion import occlusion
from vlmteach.probes.patchview import PatchViewData, measure_patchview, words_over_cells
from vlmteach.probes.picture_tokens import PictureTokens
from vlmteach.probes.receptive_field import (
    ReceptiveField,
    ReceptiveFields,
    UnsupportedOperation,
    UntraceableModel,
    receptive_field,
    register_rule,
)

__all__ = [
    "AttentionMaps",
    "PatchViewData",
    "PictureTokens",
    "ProbedAnswer",
    "ReceptiveField",
    "ReceptiveFields",
    "UnsupportedOperation",
    "UntraceableModel",
    "attention_entropy",
    "attention_maps",
    "attention_rollout",
    "distance_by_depth",
    "effective_receptive_field",
    "erf_share",
    "erf_sigma",
    "erf_size",
    "mean_attention_distance",
    "measure_patchview",
    "noise_images",
    "occlusion",
    "principal_components",
    "probe_answer",
    "receptive_field",
    "register_rule",
    "weighted_distance",
    "words_over_cells",
]

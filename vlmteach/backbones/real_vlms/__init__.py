"""Real vision-language models: the library's own classes, opened offline from configurations that were read."""

from vlmteach.backbones.real_vlms.build import OLDEST, TransformersMissing
from vlmteach.backbones.real_vlms.facts import Published, RealVLM, Source, load_real_vlms
from vlmteach.backbones.real_vlms.masks import Mask
from vlmteach.backbones.real_vlms.opened import OpenVLM, open_vlm
from vlmteach.backbones.real_vlms.smolvlm import ask_smolvlm

REAL_VLMS = load_real_vlms()

__all__ = [
    "OLDEST",
    "REAL_VLMS",
    "Mask",
    "OpenVLM",
    "Published",
    "RealVLM",
    "Source",
    "TransformersMissing",
    "ask_smolvlm",
    "open_vlm",
]

"""The one place that knows torchvision, timm and transformers."""

from vlmteach.backbones.classes import name_classes
from vlmteach.backbones.clip_resnet import ClipResNet, attention_pool_from_timm
from vlmteach.backbones.detector import detect_boxes, load_detector
from vlmteach.backbones.encoders import PRETRAINED_ENCODERS, load_encoder, preprocessing_of
from vlmteach.backbones.grid_encoder import GridEncoder
from vlmteach.backbones.load import load_cnn
from vlmteach.backbones.preprocessing import Preprocessing
from vlmteach.backbones.real_vlms import REAL_VLMS, OpenVLM, TransformersMissing, ask_smolvlm, open_vlm
from vlmteach.backbones.timm_vit import TimmViT
from vlmteach.backbones.vit import vit_from_timm
from vlmteach.backbones.weights import WeightsMissing

__all__ = [
    "PRETRAINED_ENCODERS",
    "REAL_VLMS",
    "ClipResNet",
    "GridEncoder",
    "OpenVLM",
    "Preprocessing",
    "TimmViT",
    "TransformersMissing",
    "WeightsMissing",
    "ask_smolvlm",
    "attention_pool_from_timm",
    "detect_boxes",
    "load_cnn",
    "load_detector",
    "load_encoder",
    "name_classes",
    "open_vlm",
    "preprocessing_of",
    "vit_from_timm",
]

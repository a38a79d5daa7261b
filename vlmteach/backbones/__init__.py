"""The one place that knows torchvision and timm."""

from vlmteach.backbones.detector import detect_boxes, load_detector
from vlmteach.backbones.grid_encoder import GridEncoder
from vlmteach.backbones.load import WeightsMissing, load_cnn
from vlmteach.backbones.vit import vit_from_timm

__all__ = ["GridEncoder", "WeightsMissing", "detect_boxes", "load_cnn", "load_detector", "vit_from_timm"]

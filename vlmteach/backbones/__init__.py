"""The one place that knows torchvision and timm."""

from vlmteach.backbones.grid_encoder import GridEncoder
from vlmteach.backbones.load import WeightsMissing, load_cnn
from vlmteach.backbones.vit import vit_from_timm

__all__ = ["GridEncoder", "WeightsMissing", "load_cnn", "vit_from_timm"]

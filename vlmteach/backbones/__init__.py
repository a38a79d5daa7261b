"""The one place that knows torchvision and timm."""

from vlmteach.backbones.grid_encoder import GridEncoder
from vlmteach.backbones.load import WeightsMissing, load_cnn

__all__ = ["GridEncoder", "WeightsMissing", "load_cnn"]

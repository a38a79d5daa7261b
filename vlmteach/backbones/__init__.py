"""The one place that knows torchvision and timm."""

"""Networks of torchvision by name, with seeded untrained weights or real ones."""

from __future__ import annotations

from torch import Tensor, nn

from vlmteach.backbones.hub import fetch_weights
from vlmteach.backbones.timm_config import timm_config
from vlmteach.backbones.weights import (
    Branches,
    Weights,
    drawn_from,
    is_pretrained,
    keeps_own_branches,
    open_branches,
)

# torchvision offers its weights as pickles only. timm keeps the same ones as safetensors, under these names.
SAFE = {"resnet18": "resnet18.tv_in1k", "resnet50": "resnet50.tv_in1k", "vgg16": "vgg16.tv_in1k"}
# In timm's VGG the classifier is made of convolutions, with other names; the numbers and their order are the same.
RENAMED = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}


def load_cnn(name: str, weights: Weights = "untrained", seed: int = 0, branches: Branches = "open") -> nn.Module:
    """A torchvision network in eval mode.

    name: as torchvision spells it ("vgg16", "resnet50", …). weights: "untrained" draws them from `seed` and leaves
    the global generator as it was; "pretrained" takes torchvision's own from the cache, or downloads them once, their
    size and licence printed before. The pretrained ones are resnet18, resnet50 and vgg16.
    branches: of untrained weights. "open": every residual branch counts from the start; "own": as torchvision starts a
    training, where those of ConvNeXt are almost closed (see open_branches).
    Raises ValueError for an unknown name or kind of weights, WeightsMissing when pretrained ones cannot be had.
    """
    from safetensors.torch import load_file
    from torchvision import models

    if name not in models.list_models(module=models):
        raise ValueError(f"torchvision has no network {name!r}; torchvision.models.list_models() names those it has.")
    if is_pretrained(weights) and name not in SAFE:
        raise ValueError(
            f"torchvision offers the weights of {name} as a pickle only, which is not loaded; expected one of "
            f'{", ".join(SAFE)}, or weights="untrained".'
        )
    own = keeps_own_branches(branches, is_pretrained(weights))
    with drawn_from(seed, replaced=is_pretrained(weights)):
        model = models.get_model(name, weights=None).eval()
    if not is_pretrained(weights) and not own:
        open_branches(model)
    if is_pretrained(weights):
        config = timm_config(SAFE[name])
        size = sum(tensor.nbytes for tensor in model.state_dict().values())
        path = fetch_weights(config.hf_hub_id, config.license, size)
        model.load_state_dict(_as_torchvision(load_file(path)))
    return model


def _as_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under torchvision's names. A convolution in a classifier, 1 x 1 or of the whole grid, is a matrix."""
    renamed = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        place = f"{RENAMED.get(layer, layer)}.{kind}"
        matrix = layer in RENAMED and kind == "weight"
        renamed[place] = tensor.flatten(1) if matrix else tensor
    return renamed

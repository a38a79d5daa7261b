"""Two slow ways to find a receptive field, each independent of interval arithmetic. For tests only."""

import copy
import operator

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

_IDENTITY_MODULES = (nn.BatchNorm2d, nn.LayerNorm, nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.Hardswish)
_IDENTITY_FUNCTIONS = (F.relu, F.layer_norm, F.batch_norm, F.gelu, F.hardtanh)


def positive_twin(model: nn.Module, node: str) -> fx.GraphModule:
    """The model up to `node`, made linear and positive in float64, so that no path's gradient can vanish or cancel.

    Weights become 1 / fan-in, biases 0, norms and activations the identity, max pooling becomes average pooling.
    """
    twin = fx.GraphModule(copy.deepcopy(model).eval(), fx.Tracer().trace(model.eval())).double()
    modules = dict(twin.named_modules())
    for step in list(twin.graph.nodes):
        kept = step.op == "call_module" and not isinstance(modules[step.target], _IDENTITY_MODULES)
        if kept and isinstance(modules[step.target], nn.MaxPool2d):
            old = modules[step.target]
            twin.set_submodule(step.target, nn.AvgPool2d(old.kernel_size, old.stride, old.padding, old.ceil_mode))
        elif (step.op == "call_module" and not kept) or step.target in _IDENTITY_FUNCTIONS:
            step.replace_all_uses_with(step.args[0])
        elif step.target is F.max_pool2d:
            step.target = F.avg_pool2d
            step.kwargs = {key: step.kwargs[key] for key in ("stride", "padding", "ceil_mode") if key in step.kwargs}
        if step.name == node:
            last = (
                step.args[0] if (not kept and step.op == "call_module") or step.target in _IDENTITY_FUNCTIONS else step
            )
            break
    for old in list(twin.graph.nodes):
        if old.op == "output":
            old.args = (last,)
    twin.graph.eliminate_dead_code()
    twin.recompile()
    with torch.no_grad():
        for name, parameter in twin.named_parameters():
            fan_in = parameter[0].numel() if parameter.dim() == 4 else 1
            parameter.fill_(0.0 if name.endswith("bias") else 1.0 / fan_in)
    return twin


def gradient_box(twin: nn.Module, position: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where the gradient of one unit (all channels) of a positive twin is not zero: (top, left, bottom, right)."""
    picture = torch.ones(1, 3, *size, dtype=torch.float64, requires_grad=True)
    twin(picture)[0, :, position[0], position[1]].sum().backward()
    seen = picture.grad[0].sum(dim=0) != 0
    rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def sees_exactly(
    model: nn.Module, layer: str, position: tuple[int, int], box: tuple[int, int, int, int], size: tuple[int, int]
) -> dict[str, bool]:
    """Put NaN into the picture and look whether a unit of the untouched model becomes NaN.

    Returns what was found: whether nothing outside `box` reaches the unit, and whether each edge line of it does.
    """
    top, left, bottom, right = box
    outside = torch.full((3, *size), torch.nan)
    outside[:, top:bottom, left:right] = 0.5
    lines = [(slice(top, top + 1), slice(left, right)), (slice(bottom - 1, bottom), slice(left, right)),
             (slice(top, bottom), slice(left, left + 1)), (slice(top, bottom), slice(right - 1, right))]  # fmt: skip
    pictures = [outside]
    for rows, columns in lines:
        picture = torch.full((3, *size), 0.5)
        picture[:, rows, columns] = torch.nan
        pictures.append(picture)
    grid = _capture(model.eval(), layer, torch.stack(pictures))
    reached = grid[:, :, position[0], position[1]].isnan().any(dim=1).tolist()
    names = ["nothing outside", "top", "bottom", "left", "right"]
    return dict(zip(names, [not reached[0], *reached[1:]], strict=True))


def _capture(model: nn.Module, layer: str, pictures: Tensor) -> Tensor:
    """The output of one layer; the rest of the model is not run."""

    class Found(Exception):
        pass

    def stop(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        raise Found(output)

    hook = operator.attrgetter(layer)(model).register_forward_hook(stop)
    try:
        with torch.no_grad():
            model(pictures)
    except Found as found:
        return found.args[0]
    finally:
        hook.remove()
    raise AssertionError(f"layer {layer!r} was not called")

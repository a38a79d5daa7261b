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
    twin = fx.GraphModule(model, fx.Tracer().trace(model.eval()))
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
    twin.delete_all_unused_submodules()
    twin.recompile()
    twin = copy.deepcopy(twin).double().requires_grad_(False)
    with torch.no_grad():
        for name, parameter in twin.named_parameters():
            fan_in = parameter[0].numel() if parameter.dim() == 4 else 1
            parameter.fill_(0.0 if name.endswith("bias") else 1.0 / fan_in)
    return twin


def gradient_boxes(
    twin: nn.Module, positions: list[tuple[int, int]], size: tuple[int, int]
) -> list[tuple[int, int, int, int]]:
    """Where the gradient of each unit (all channels) of a positive twin is not zero: (top, left, bottom, right)."""
    picture = torch.ones(1, 3, *size, dtype=torch.float64, requires_grad=True)
    grid = twin(picture)[0].sum(dim=0)
    found = []
    for position in positions:
        (gradient,) = torch.autograd.grad(grid[position], picture, retain_graph=True)
        seen = gradient[0].sum(dim=0) != 0
        rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
        found.append((int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1))
    return found


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
    grid = capture(model.eval(), layer, torch.stack(pictures))
    reached = grid[:, :, position[0], position[1]].isnan().any(dim=1).tolist()
    names = ["nothing outside", "top", "bottom", "left", "right"]
    return dict(zip(names, [not reached[0], *reached[1:]], strict=True))


def capture(model: nn.Module, layer: str, pictures: Tensor) -> Tensor:
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


class OneChannelTwin(fx.Interpreter):
    """The positive linear twin with a single channel everywhere: light enough for the full depth of any network.

    Uniform weights make all channels of a map equal, so one is enough; branches that are concatenated are summed, and
    parts by channel are the map itself. What has lost its positions is None, and scaling by it changes nothing.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model.eval(), graph=fx.Tracer().trace(model.eval()))
        self.maps: dict[str, Tensor] = {}

    def run_node(self, n: fx.Node) -> object:
        """One step of the graph; every map is kept by its node's name."""
        value = super().run_node(n)
        if isinstance(value, Tensor) and value.ndim == 4 and value.requires_grad:
            self.maps[n.name] = value
        return value

    def call_module(self, target: str, args: tuple, kwargs: dict) -> object:
        """Windows average what they see; everything else leaves the map as it is."""
        module, x = self.fetch_attr(target), args[0]
        if x is None or isinstance(module, nn.AdaptiveAvgPool2d):
            return None
        if isinstance(module, nn.Conv2d):
            kernel = torch.full((1, 1, *module.kernel_size), 1 / (module.kernel_size[0] * module.kernel_size[1]))
            return F.conv2d(x, kernel.double(), None, module.stride, module.padding, module.dilation)
        if isinstance(module, (nn.MaxPool2d, nn.AvgPool2d)):
            return F.avg_pool2d(x, module.kernel_size, module.stride, module.padding, module.ceil_mode)
        return x

    def call_function(self, target: object, args: tuple, kwargs: dict) -> object:
        """Sums for sums and concatenations, average pooling for pooling; what only moves numbers is skipped."""
        if target is F.max_pool2d or target is F.avg_pool2d:
            kept = ("kernel_size", "stride", "padding", "ceil_mode")
            return F.avg_pool2d(*args, **{key: kwargs[key] for key in kept if key in kwargs})
        if target in (F.adaptive_avg_pool2d, torch.flatten):
            return None
        parts = args[0] if target is torch.cat else args
        maps = [part for part in parts if isinstance(part, Tensor) and part.requires_grad]
        return sum(maps) if maps else None

    def call_method(self, target: str, args: tuple, kwargs: dict) -> object:
        """mean loses positions; view, permute and chunk keep them."""
        return None if target == "mean" else args[0]

    def get_attr(self, target: str, args: tuple, kwargs: dict) -> object:
        """Parameters used outside of modules only scale."""
        return None


def full_depth_rows(model: nn.Module, node: str, picture: tuple[int, int], row: int) -> tuple[int, int]:
    """First row and one past the last that the middle unit of a map's row sees, by the one-channel twin's gradient."""
    image = torch.ones(1, 1, *picture, dtype=torch.float64, requires_grad=True)
    twin = OneChannelTwin(model)
    twin.run(image)
    grid = twin.maps[node]
    grid[0, 0, row, grid.shape[3] // 2].backward()
    rows = (image.grad[0, 0] != 0).any(dim=1).nonzero()
    return int(rows[0]), int(rows[-1]) + 1

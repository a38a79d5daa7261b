"""From two encoders and a picture to everything the PatchView explorer shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import gcd

from torch import Tensor, nn

from vlmteach.probes.attention import every_attention_map
from vlmteach.probes.effective import noise_images
from vlmteach.probes.network import in_training, plain_network
from vlmteach.probes.patchview.data import Measurement, PatchViewData
from vlmteach.probes.patchview.layers import find_grid_layers, match_by_depth, thin
from vlmteach.probes.patchview.maps import Size
from vlmteach.probes.patchview.networks import Attending, Convolutional, Network, Plan
from vlmteach.probes.patchview.picture import as_bytes, reduce_picture

Normalise = Callable[[Tensor], Tensor]  # (3, H, W) in [0, 1] -> (3, H, W)


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    layers:  at most so many of each network. anchors: at most (rows, columns) units whose effective field is taken.
    squares: at most (rows, columns) squares that are hidden one at a time; (0, 0) hides none.
    noise:   pictures over which an effective field is averaged. batch_size: pictures in memory at a time.
    """

    layers: int
    anchors: Size
    squares: Size
    noise: int
    batch_size: int


SMALL = Effort(layers=6, anchors=(16, 16), squares=(8, 8), noise=8, batch_size=32)
LARGE = Effort(layers=4, anchors=(7, 7), squares=(7, 7), noise=1, batch_size=4)
SMALL_SIDE = 96  # pixels: up to here, every unit of the course's encoders is measured within seconds


def measure_patchview(
    cnn: nn.Module | None,
    vit: nn.Module | None,
    picture: Tensor,
    *,
    cnn_layers: Sequence[str] | None = None,
    vit_layers: Sequence[int] | None = None,
    fields_of: Collection[str] = ("cnn",),
    cnn_normalise: Normalise | None = None,
    vit_normalise: Normalise | None = None,
    effort: Effort | None = None,
    seed: int = 0,
    title: str = "Local against global",
) -> PatchViewData:
    """Measure one picture's receptive boxes, effective fields, attention and hidden squares, with a progress bar.

    cnn, vit:   encoders in eval mode; either may be None, then its panels are absent.
    picture:    (3, H, W) floats in [0, 1]. Above 512 pixels a side it is reduced, and the result says so.
    cnn_normalise, vit_normalise: what each encoder expects done to the picture first, values only.
    cnn_layers: names of modules that return grids; without it the stages, found in the model. vit_layers: attention
                layers counted from 0. Without them, at most effort.layers, evenly spread, the last included.
    fields_of:  whose effective fields to measure: "cnn", "vit" (one more panel, by the same function), both or none.
    effort:     how much is measured; by the picture's size SMALL or LARGE without it. What was left out is noted.
    seed:       of the noise pictures. Memory is bounded by effort.batch_size and by the maps that are kept.
    Raises ValueError or TypeError when there is no encoder, one in training mode, or the parts do not fit.
    """
    if cnn is None and vit is None:
        raise ValueError("neither a CNN nor a ViT was given; expected at least one encoder to look into.")
    if not set(fields_of) <= {"cnn", "vit"}:
        raise ValueError(f'fields_of is {fields_of!r}; expected some of "cnn" and "vit".')
    from tqdm.auto import tqdm  # late: it looks for a notebook when it is imported

    shown = reduce_picture(picture)
    for_cnn, for_vit = (shown[None] if f is None else f(shown)[None] for f in (cnn_normalise, vit_normalise))
    effort = effort or (SMALL if max(shown.shape[-2:]) <= SMALL_SIDE else LARGE)
    networks: list[Network] = []
    if cnn is not None:
        cnn = plain_network(cnn)
        _refuse_training(cnn)
        layers = cnn_layers or thin(find_grid_layers(cnn, for_cnn), effort.layers)
        networks.append(Convolutional(cnn, layers, for_cnn))
    if vit is not None:
        vit = plain_network(vit)
        _refuse_training(vit)
        maps = every_attention_map(vit, for_vit).among_picture_tokens()
        networks.append(Attending(vit, for_vit, maps, vit_layers or thin(maps.layers, effort.layers)))
    plan = _plan(shown, networks[-1].cells, effort, seed, fields_of)
    stops = match_by_depth([len(network.layers) for network in networks])
    panels = []
    with tqdm(total=sum(network.work(plan) for network in networks), desc="measuring", leave=False) as bar:
        for network, at in zip(networks, zip(*stops, strict=True), strict=True):
            panels += network.panels(plan, at, bar.update)
    how = Measurement(
        original=None if shown is picture else (int(picture.shape[-2]), int(picture.shape[-1])),
        anchors=plan.anchors if plan.fields_of else None,
        noise=len(plan.noise) if plan.fields_of else 0,
        not_local=next((network.not_local for network in networks if network.not_local), None),
        prefix_tokens_left_out=any(network.prefix_tokens_left_out for network in networks),
    )
    return PatchViewData(title, as_bytes(shown), tuple(panels), plan.cells, plan.squares, how)


def _refuse_training(model: nn.Module) -> None:
    if in_training(model):
        raise ValueError(
            f"{type(model).__name__} is in training mode, where BatchNorm and Dropout make it another network; "
            "call .eval() first."
        )


def _plan(shown: Tensor, cells: Size, effort: Effort, seed: int, fields_of: Collection[str]) -> Plan:
    picture = (int(shown.shape[-2]), int(shown.shape[-1]))
    return Plan(
        picture=picture,
        cells=cells,
        anchors=(min(cells[0], effort.anchors[0]), min(cells[1], effort.anchors[1])),
        squares=_squares(cells, picture, effort.squares),
        noise=noise_images(effort.noise, *picture, seed=seed),
        batch_size=effort.batch_size,
        fields_of=frozenset(fields_of),
    )


def _squares(cells: Size, picture: Size, most: Size) -> Size:
    """The finest division, up to `most`, that cuts picture and cells evenly; (0, 0) when only the whole does."""
    rows, columns = (
        max((n for n in range(1, limit + 1) if gcd(count, length) % n == 0), default=0)
        for count, length, limit in zip(cells, picture, most, strict=True)
    )
    return (rows, columns) if rows * columns > 1 else (0, 0)

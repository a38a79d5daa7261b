"""Every way in which a download can go, against a hub on this machine."""

import builtins
import errno
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants, file_download
from huggingface_hub.errors import FileMetadataError, LocalEntryNotFoundError
from packaging.version import Version
from safetensors.torch import load_file, save
from support.hub import CutOff, Silent, Slow, hub_on_this_machine

from vlmteach.backbones.hub import fetch_weights
from vlmteach.backbones.weights import WeightsMissing

REPOSITORY, FILE = "course/stand-in", "model.safetensors"
TENSORS = {"weight": torch.arange(75_000.0).reshape(250, 300), "bias": torch.ones(3)}
CONTENT = save(TENSORS)
DAMAGED = CONTENT[:-4] + b"oops"
XET = "e" * 64
BLOB = f"GET /blobs/{REPOSITORY}/{FILE}"
ELSEWHERE = "network, at home or on Colab, or copy the folder models--course--stand-in .* to "


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with hub_on_this_machine(monkeypatch, tmp_path / "cache") as hub:
        yield hub


def fetch():
    return fetch_weights(REPOSITORY, "mit", expected=2_000_000)


def assert_all_there(path):
    state = load_file(path)
    assert state.keys() == TENSORS.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in TENSORS.items())


def files_kept(tmp_path):
    """Files that would be taken for weights. Older clients keep unfinished ones, to go on with them."""
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.stat().st_size > 1000]
    return [path.name for path in kept if path.suffix != ".incomplete"]


def test_size_and_licence_are_said_before_the_first_byte_is_asked_for(hub, monkeypatch, tmp_path):
    hub.put(REPOSITORY, FILE, CONTENT)
    monkeypatch.setattr(builtins, "print", lambda *said: hub.log.append(" ".join(said)))
    assert_all_there(fetch())
    said = f"{REPOSITORY}: 0.3 MB to download, licence: mit. Kept in {tmp_path / 'cache'}."
    assert hub.log.count(said) == 1
    before, after = hub.log[: hub.log.index(said)], hub.log[hub.log.index(said) + 1 :]
    assert {line.split()[0] for line in before} == {"HEAD"}
    assert [line for line in after if line.startswith("GET")] == [BLOB]


def test_a_licence_that_nobody_states_is_not_made_up(hub, capsys):
    hub.put(REPOSITORY, FILE, CONTENT)
    fetch_weights(REPOSITORY, None, expected=1)
    assert "licence: not stated" in capsys.readouterr().out


def test_the_second_time_they_come_from_the_cache_without_a_question_or_a_word(hub, capsys):
    hub.put(REPOSITORY, FILE, CONTENT)
    fetch()
    hub.log.clear()
    capsys.readouterr()
    assert_all_there(fetch())
    assert hub.log == []
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_while_it_runs(hub, monkeypatch, capsys):
    monkeypatch.setenv("TQDM_POSITION", "-1")  # huggingface_hub: show the bar outside a terminal too
    hub.put(REPOSITORY, FILE, CONTENT, Slow(pieces=4, pause=0.15))
    assert_all_there(fetch())
    shown = [int(share) for share in re.findall(r"model\.safetensors: +(\d+)%", capsys.readouterr().err)]
    assert shown[0] == 0
    assert shown[-1] == 100
    assert any(0 < share < 100 for share in shown)


# what goes wrong -> the ranges that are then asked for. Each time the file ends up whole.
OVERCOME = {
    "slow, but never silent for longer than the limit": ([Slow(pieces=8, pause=0.1)], [""]),
    "cut off in the middle": ([CutOff(150_000)], ["", " bytes=150000-"]),
    "cut off twice": ([CutOff(150_000), CutOff(30_000)], ["", " bytes=150000-", " bytes=180000-"]),
    "cut off before the first byte": ([CutOff(0)], ["", ""]),
    "silent in the middle": ([Silent(100_000)], ["", " bytes=100000-"]),
}


@pytest.mark.parametrize("name", OVERCOME)
def test_a_bad_line_is_overcome_and_the_download_goes_on_where_it_stopped(hub, monkeypatch, name):
    troubles, ranges = OVERCOME[name]
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.4)
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)  # the wait before asking again
    hub.put(REPOSITORY, FILE, CONTENT, *troubles)
    assert_all_there(fetch())
    assert [line.removeprefix(BLOB) for line in hub.log if line.startswith("GET")] == ranges


def test_a_line_that_breaks_every_time_is_told_and_nothing_half_done_is_taken_for_whole(hub, monkeypatch, tmp_path):
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    hub.put(REPOSITORY, FILE, CONTENT, CutOff(150_000), *[CutOff(0)] * 100)
    with pytest.raises(WeightsMissing, match=rf"\(0\.3 MB\) are missing: .*broke off \(.*\); run this.*{ELSEWHERE}"):
        fetch()
    assert files_kept(tmp_path) == []
    hub.put(REPOSITORY, FILE, CONTENT)
    assert_all_there(fetch())


class LineCutOff(Exception):
    """What httpx raises is an Exception and no OSError, as this is."""


@pytest.mark.parametrize(("failures", "calls"), [([LineCutOff()] * 2, 3), ([LineCutOff()] * 3, 3), ([OSError()], 1)])
def test_a_client_that_does_not_go_on_by_itself_is_called_again_after_a_cut(hub, monkeypatch, failures, calls):
    hub.put(REPOSITORY, FILE, CONTENT)
    real, called = huggingface_hub.hf_hub_download, []

    def giving_up(*args, **kwargs):
        called.append(args)
        if len(called) <= len(failures):
            raise failures[len(called) - 1]
        return real(*args, **kwargs)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", giving_up)
    if calls > len(failures):
        assert_all_there(fetch())
    else:
        with pytest.raises(WeightsMissing, match="broke off"):
            fetch()
    assert len(called) == calls


def test_what_the_client_met_is_told_and_not_that_it_then_looked_for_a_local_file(hub, monkeypatch):
    hub.put(REPOSITORY, FILE, CONTENT)

    def wrapped(*args, **kwargs):
        raise LocalEntryNotFoundError("Please check your connection") from FileMetadataError("no size")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", wrapped)
    with pytest.raises(WeightsMissing, match="they are not in the cache, and the hub does not state the size"):
        fetch()


def nothing(hub, monkeypatch):
    pass


def only_a_pickle(hub, monkeypatch):
    hub.put(REPOSITORY, "pytorch_model.bin", b"not to be touched")


def offline(hub, monkeypatch):
    hub.put(REPOSITORY, FILE, CONTENT)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def nobody_there(hub, monkeypatch):
    address = "http://127.0.0.1:9"  # the port of the discard service, which nobody runs any more
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/{revision}/{filename}")


def answers(status):
    def answer(hub, monkeypatch):
        hub.put(REPOSITORY, FILE, CONTENT)
        hub.answer = status

    return answer


def no_hash(hub, monkeypatch):
    hub.put(REPOSITORY, FILE, CONTENT).sha256 = None


def another_hash(hub, monkeypatch):
    hub.put(REPOSITORY, FILE, CONTENT).sha256 = "0" * 64


def another_size(hub, monkeypatch):
    hub.put(REPOSITORY, FILE, CONTENT).size = len(CONTENT) + 1


def little_space(hub, monkeypatch):
    hub.put(REPOSITORY, FILE, CONTENT)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=250_000))


class Full(io.RawIOBase):
    """A device without space: like Linux's /dev/full, and on every system."""

    def writable(self):
        return True

    def seekable(self):
        return True

    def seek(self, _offset, _whence=0):
        return 0

    def write(self, _data):
        raise OSError(errno.ENOSPC, "No space left on device")


def full_disk(hub, monkeypatch):
    """A full device in place of the file that is being written: it complains when the buffer is emptied."""
    hub.put(REPOSITORY, FILE, CONTENT)
    real = Path.open

    def opened(path, mode="r", *args, **kwargs):
        writes = path.name.endswith(".incomplete") and mode != "r"
        return io.BufferedWriter(Full()) if writes else real(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)


def read_only_cache(hub, monkeypatch):
    """Root may write anywhere, so the folder is refused here, as a home folder is that others own."""
    hub.put(REPOSITORY, FILE, CONTENT)

    def refused(path, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "makedirs", refused)


def no_safetensors_inside(hub, monkeypatch):
    hub.put(REPOSITORY, FILE, b"\x80\x04 a pickle under another name" * 100)


# name -> what is wrong, what the sentence says, what it proposes, whether the file itself was asked for
REFUSED = {
    "no such repository": (nothing, r"\(about 2\.0 MB\).*no such repository", ELSEWHERE, False),
    "only a pickle there": (only_a_pickle, "no model.safetensors, .* unpickled, are never", "another network", False),
    "offline by the switch": (offline, "not in the cache, and HF_HUB_OFFLINE", ELSEWHERE, False),
    "nobody at the address": (nobody_there, r"not in the cache, .*could not be reached .*Connect", ELSEWHERE, False),
    "blocked by a proxy": (answers(403), "could not be reached .*403", ELSEWHERE, False),
    "hub out of order": (answers(503), "could not be reached .*503", ELSEWHERE, False),
    "a page to log in": (answers(200), "not state the size and sha256", ELSEWHERE, False),
    "no hash stated": (no_hash, "not state the size and sha256", ELSEWHERE, False),
    "not what its hash says": (another_hash, r"\(0\.3 MB\).*came without the sha256", "run this again", True),
    "not as long as stated": (
        another_size,
        rf"broke off .*of size {len(CONTENT) + 1} but has size {len(CONTENT)}",
        ELSEWHERE,
        True,
    ),
    "too little space": (little_space, r"\(0\.3 MB\).* has 0\.2 MB left", "HF_HOME name another disk", False),
    "disk full on the way": (full_disk, "the disk that holds .* is full", "HF_HOME name another disk", True),
    "read-only cache": (read_only_cache, r"\(0\.3 MB\).* cannot be written", "HF_HOME name a folder of yours", False),
    "another format": (no_safetensors_inside, "is no safetensors file", "choose another network", True),
}
WRONG_BUT_KEPT = ("another format", "not what its hash says")  # it is told, and the cache is not ours to clear


@pytest.mark.parametrize("name", REFUSED)
def test_weights_that_cannot_be_had_are_told_in_one_sentence(hub, monkeypatch, tmp_path, name):
    prepare, reason, remedy, asked = REFUSED[name]
    prepare(hub, monkeypatch)
    with pytest.raises(WeightsMissing, match=f"{reason}.*; .*{remedy}") as refused:
        fetch()
    told = str(refused.value)
    assert told.startswith(f"the pretrained weights {REPOSITORY} (")
    assert " MB) are missing: " in told
    assert told.endswith('or go on with weights="untrained".')
    assert "\n" not in told
    assert any(line.startswith(BLOB) for line in hub.log) == asked
    assert not any(line.endswith(".bin") for line in hub.log)
    assert bool(files_kept(tmp_path)) == (name in WRONG_BUT_KEPT)


@pytest.mark.parametrize("links", [True, False], ids=["links", "copies"])
def test_after_a_wrong_hash_the_right_file_is_fetched(hub, monkeypatch, links):
    if not links:  # as on Windows without developer mode
        monkeypatch.setattr(file_download, "are_symlinks_supported", lambda folder=None: False)
    served = hub.put(REPOSITORY, FILE, DAMAGED)
    served.sha256 = hub.put("another/one", FILE, CONTENT).sha256
    for _ in range(2):
        with pytest.raises(WeightsMissing, match=r"came without the sha256.*; run this again, on another network"):
            fetch()
    served.content = CONTENT
    assert_all_there(fetch())


def test_a_folder_copied_from_another_cache_is_used_offline(hub, monkeypatch, tmp_path):
    hub.put(REPOSITORY, FILE, CONTENT)
    fetch()
    # a USB stick keeps no links: the file itself lies where the link was
    (link,) = (tmp_path / "cache").rglob(f"snapshots/*/{FILE}")
    blob = link.resolve()
    link.unlink()
    blob.rename(link)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str((tmp_path / "cache").rename(tmp_path / "elsewhere")))
    assert_all_there(fetch())


def test_no_token_is_sent(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "a-secret")
    hub.put(REPOSITORY, FILE, CONTENT)
    assert_all_there(fetch())
    assert hub.headers
    assert not any("authorization" in sent for sent in hub.headers)


def test_address_and_cache_are_those_of_the_environment(hub, tmp_path):
    hub.put(REPOSITORY, FILE, CONTENT)
    code = "from vlmteach.backbones.hub import fetch_weights; print(fetch_weights('course/stand-in', 'mit', 1))"
    settings = {"HF_ENDPOINT": constants.ENDPOINT, "HF_HOME": str(tmp_path / "home")}
    ran = subprocess.run([sys.executable, "-c", code], env=os.environ | settings, capture_output=True, text=True)
    (kept,) = (tmp_path / "home" / "hub").rglob(f"snapshots/*/{FILE}")
    assert ran.stdout.splitlines()[1:] == [str(kept)]


def tree(folder):
    """Every entry below a folder: where a link leads, what a file holds. Locks come and go."""
    entries = {path.relative_to(folder): path for path in folder.rglob("*") if path.suffix != ".lock"}
    return {
        name: str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        for name, path in entries.items()
    }


def is_there(before, after):
    return {name: after.get(name) for name in before} == before


# How caches hold the same weights -> the blob's real place
def in_the_repository(hub):
    hub.put(REPOSITORY, FILE, CONTENT)
    return fetch().resolve()


def in_the_store_of_all_repositories(hub):
    hub.put(REPOSITORY, FILE, CONTENT).xet = XET
    if not hasattr(constants, "HF_HUB_DISABLE_SHARED_BLOBS"):
        pytest.skip("this client has no such store")
    blob = fetch().resolve()
    assert blob.name == XET  # and not the sha256
    return blob


def as_a_copy_without_links(hub):
    hub.put(REPOSITORY, FILE, CONTENT)
    entry = fetch()
    blob = entry.resolve()
    entry.unlink()
    return blob.rename(entry)


def as_a_link_to_a_place_of_ones_own(hub):
    blob = in_the_repository(hub)
    (entry,) = blob.parents[1].rglob(f"snapshots/*/{FILE}")
    entry.unlink()
    entry.symlink_to(blob.rename(blob.parents[1] / XET))  # a name of 64 digits that is no sha256
    return entry.resolve()


CACHES = pytest.mark.parametrize(
    "put_into_cache",
    [in_the_repository, in_the_store_of_all_repositories, as_a_copy_without_links, as_a_link_to_a_place_of_ones_own],
)


@CACHES
@pytest.mark.parametrize("is_offline", [False, True], ids=["online", "offline"])
def test_sound_weights_stay_as_they_are_however_often_they_are_loaded(
    hub, monkeypatch, tmp_path, put_into_cache, is_offline
):
    put_into_cache(hub)
    before = tree(tmp_path)
    hub.log.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", is_offline)
    for _ in range(3):
        assert_all_there(fetch())
    assert tree(tmp_path) == before
    assert hub.log == []


def test_weights_of_another_repository_with_the_same_content_are_shared_and_stay(hub, tmp_path):
    in_the_store_of_all_repositories(hub)
    hub.put("another/one", FILE, CONTENT).xet = XET
    before = tree(tmp_path)
    for _ in range(2):
        assert_all_there(fetch_weights("another/one", "mit", expected=1))
    assert hub.log.count(f"XET {XET}") == 1
    assert is_there({k: v for k, v in before.items() if k.suffix != ".refs"}, tree(tmp_path))


@pytest.mark.parametrize("put_into_cache", [in_the_repository, in_the_store_of_all_repositories])
def test_damaged_weights_are_downloaded_again_into_their_place(hub, tmp_path, capsys, put_into_cache):
    blob = put_into_cache(hub)
    sound = tree(tmp_path)
    blob.chmod(0o600)
    blob.write_bytes(DAMAGED)
    capsys.readouterr()
    assert_all_there(fetch())
    assert "0.3 MB to download because " in (said := capsys.readouterr().out)
    assert f"{FILE} is damaged, licence: mit" in said
    assert is_there({k: v for k, v in sound.items() if k.suffix != ".refs"}, tree(tmp_path))


# What stands in the way of that -> what is said
IN_THE_WAY = {
    "offline": (offline, "and HF_HUB_OFFLINE forbids", "run this once with a network"),
    "nobody there": (nobody_there, "and the hub could not be reached", "run this once with a network"),
    "a mirror without hashes": (
        no_hash,
        "and the hub does not state the size and sha256",
        "run this once with a network",
    ),
    "a cache to read only": (read_only_cache, "and .*cache cannot be written", "let HF_HOME name a folder"),
    "the hub's own is broken": (another_hash, "came without the sha256", "run this again, on another network"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_damaged_weights_that_cannot_be_replaced_are_named_and_stay(hub, monkeypatch, tmp_path, name):
    prevent, reason, remedy = IN_THE_WAY[name]
    blob = in_the_repository(hub)
    blob.write_bytes(DAMAGED)
    before = tree(tmp_path)
    prevent(hub, monkeypatch)
    with pytest.raises(WeightsMissing, match=rf"{reason}.*; {remedy}") as refused:
        fetch()
    if name != "the hub's own is broken":
        assert f"model.safetensors is damaged, {reason[:4]}" in str(refused.value)
    assert is_there(before, tree(tmp_path))


def test_a_copy_that_is_cut_off_is_named_and_stays(hub, tmp_path):
    copy = as_a_copy_without_links(hub)
    copy.write_bytes(CONTENT[:100_000])
    before = tree(tmp_path)
    with pytest.raises(WeightsMissing, match=rf"{copy} is no safetensors file .*; delete it and run this again"):
        fetch()
    assert tree(tmp_path) == before


def test_a_wrong_copy_that_was_there_before_is_named_and_stays(hub, tmp_path):
    """Copied in part: the entry is there, but nothing says that it is the newest, so the hub is asked."""
    copy = as_a_copy_without_links(hub)
    copy.write_bytes(DAMAGED)
    (tmp_path / "cache/models--course--stand-in/refs/main").unlink()
    before = tree(tmp_path)
    with pytest.raises(WeightsMissing, match=rf"{copy} does not have the sha256 .*; delete it and run this again"):
        fetch()
    assert is_there(before, tree(tmp_path))


def test_a_file_that_may_not_be_read_is_named(hub, monkeypatch):
    in_the_repository(hub)
    real = Path.open

    def refused(path, *args, **kwargs):  # root may read anything, so the file is refused here
        if path.name == FILE:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(WeightsMissing, match=rf"{FILE} cannot be read .*; let HF_HOME name a folder of yours"):
        fetch()


def test_a_cache_on_another_disk_behind_a_link_is_used(hub, monkeypatch, tmp_path):
    in_the_repository(hub)
    (tmp_path / "cache").rename(tmp_path / "other disk")
    (tmp_path / "cache").symlink_to(tmp_path / "other disk")
    hub.log.clear()
    assert_all_there(fetch())
    blobs = tmp_path / "other disk/models--course--stand-in/blobs"
    blobs.rename(tmp_path / "third disk")
    blobs.symlink_to(tmp_path / "third disk")
    assert_all_there(fetch())
    assert hub.log == []


def test_a_mirror_that_does_not_state_the_size_is_enough_for_a_client_that_can_do_without(hub, capsys):
    hub.put(REPOSITORY, FILE, CONTENT).size = None
    if Version(huggingface_hub.__version__) < Version("1.33"):
        with pytest.raises(WeightsMissing, match="the hub does not state the size and sha256"):
            fetch()
    else:
        assert_all_there(fetch())
    assert "about 2.0 MB to download" in capsys.readouterr().out


@pytest.mark.parametrize("prepare", [no_hash, nobody_there, nothing, another_hash])
def test_beside_a_mirror_the_hub_itself_is_proposed(hub, monkeypatch, prepare):
    prepare(hub, monkeypatch)
    with pytest.raises(WeightsMissing) as plain:
        fetch()
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    with pytest.raises(WeightsMissing, match="or unset HF_ENDPOINT"):
        fetch()
    assert "HF_ENDPOINT" not in str(plain.value)

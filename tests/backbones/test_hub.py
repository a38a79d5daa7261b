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
from safetensors.torch import load_file, save
from support.hub import CutOff, Silent, Slow, hub_on_this_machine

from vlmteach.backbones.hub import fetch_weights
from vlmteach.backbones.weights import WeightsMissing

REPOSITORY, FILE = "course/stand-in", "model.safetensors"
TENSORS = {"weight": torch.arange(75_000.0).reshape(250, 300), "bias": torch.ones(3)}
CONTENT = save(TENSORS)
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


class RemoteProtocolError(Exception):
    """As httpx and httpx2 name it when a line is cut off."""


@pytest.mark.parametrize(("failures", "calls"), [([RemoteProtocolError()] * 2, 3), ([TimeoutError()], 1)])
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
    "not what its hash says": (another_hash, r"\(0\.3 MB\).*did not have the sha256.*deleted", "run this again", True),
    "not as long as stated": (
        another_size,
        rf"broke off .*of size {len(CONTENT) + 1} but has size {len(CONTENT)}",
        ELSEWHERE,
        True,
    ),
    "too little space": (little_space, r"\(0\.3 MB\).* has 0\.2 MB left", "HF_HOME name another disk", False),
    "disk full on the way": (full_disk, "the disk that holds .* is full", "HF_HOME name another disk", True),
    "read-only cache": (read_only_cache, r"\(0\.3 MB\).* cannot be written", "HF_HOME name a folder of yours", False),
    "another format": (no_safetensors_inside, "is no safetensors file", "delete it", True),
}


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
    # "another format" is what the hub has, and was rightly kept: the sentence names the file
    assert bool(files_kept(tmp_path)) == (name == "another format")


def test_after_a_wrong_hash_the_right_file_is_fetched(hub):
    served = hub.put(REPOSITORY, FILE, CONTENT[:-4] + b"oops")
    served.sha256 = hub.put("another/one", FILE, CONTENT).sha256
    with pytest.raises(WeightsMissing, match="deleted"):
        fetch()
    served.content = CONTENT
    assert_all_there(fetch())


def test_a_file_damaged_in_the_cache_is_noticed_and_fetched_again(hub, tmp_path):
    hub.put(REPOSITORY, FILE, CONTENT)
    fetch()
    (blob,) = (tmp_path / "cache").rglob("blobs/*")
    blob.write_bytes(CONTENT[:-4] + b"oops")
    with pytest.raises(WeightsMissing, match=r"did not have the sha256.*run this again"):
        fetch()
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


def test_without_links_the_hash_is_still_checked(hub, monkeypatch):
    monkeypatch.setattr(file_download, "are_symlinks_supported", lambda folder=None: False)
    hub.put(REPOSITORY, FILE, CONTENT).sha256 = "0" * 64
    with pytest.raises(WeightsMissing, match="did not have the sha256"):
        fetch()
    hub.put(REPOSITORY, FILE, CONTENT)
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

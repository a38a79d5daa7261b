"""A hub on this very machine, for tests: enough of its protocol for huggingface_hub's own client, and its troubles.

As on the real one, a file's address answers with a redirect whose headers state commit, size and sha256, and the bytes
come from another host: here the same server under its other name. A file may also be stored in Xet, as all large ones
are by now: its headers name a second hash then, under which newer clients keep it once for all repositories.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c0ffee" * 6 + "c0de"
TAKES = re.compile(r"/([^/]+/[^/]+)/resolve/main/(.+)")


@dataclass
class CutOff:
    """The connection ends after so many bytes."""

    after: int


@dataclass
class Slow:
    """The bytes come in so many pieces, a pause before each of them."""

    pieces: int
    pause: float


@dataclass
class Silent:
    """After so many bytes nothing comes any more, and the connection stays open."""

    after: int


@dataclass
class Served:
    """A file. sha256, size, xet: what the hub states about it. gets: what goes wrong with one download after the other.

    A mirror may state no sha256, and no size, neither before the download nor with it.
    """

    content: bytes
    sha256: str | None
    size: int | None
    gets: list[CutOff | Slow | Silent] = field(default_factory=list)
    xet: str | None = None


class Hub:
    """What is served, in `log` what was asked, and in `headers` with what.

    answer: a status that every question gets instead of a file.
    """

    def __init__(self) -> None:
        self.headers: list[set[str]] = []
        self.files: dict[tuple[str, str], Served] = {}
        self.log: list[str] = []
        self.answer: int | None = None
        self.closing = threading.Event()

    def put(self, repository: str, name: str, content: bytes, *gets: CutOff | Slow | Silent) -> Served:
        """Serve a file; the facts stated about it are true until a test changes them."""
        served = Served(content, hashlib.sha256(content).hexdigest(), len(content), list(gets))
        self.files[repository, name] = served
        return served

    def from_xet(self, *, incomplete_path: Path, xet_file_data: object, **_: object) -> None:
        """In place of the client's download from Xet, whose servers speak a protocol of their own."""
        (content,) = {served.content for served in self.files.values() if served.xet == xet_file_data.file_hash}
        self.log.append(f"XET {xet_file_data.file_hash}")
        incomplete_path.write_bytes(content)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.reply()

    def do_GET(self) -> None:
        self.reply()

    def reply(self) -> None:
        if self.path.startswith("/api/"):  # the client's own questions, about no file
            return self.say(404, {})
        self.hub.headers.append({name.lower() for name in self.headers})
        wanted = self.headers.get("Range")
        self.hub.log.append(f"{self.command} {self.path}" + (f" {wanted}" if wanted else ""))
        if self.hub.answer is not None:
            return self.say(self.hub.answer, {}, b"<html>please accept the terms of this network</html>")
        if self.path.startswith("/blobs/"):
            return self.send_blob(self.hub.files[tuple(self.path.removeprefix("/blobs/").rsplit("/", 1))], wanted)
        return self.resolve()

    def resolve(self) -> None:
        match = TAKES.fullmatch(self.path)
        served = self.hub.files.get(match.groups()) if match else None
        if served is not None:
            repository, name = match.groups()
            headers = {"X-Repo-Commit": COMMIT, "ETag": '"0123"'}
            if served.size is None:
                headers |= {"Content-Length": "", "Connection": "close"}
            else:
                headers["X-Linked-Size"] = str(served.size)
            if served.sha256 is not None:
                headers["X-Linked-Etag"] = f'"{served.sha256}"'
            if served.xet is not None:
                headers |= {"X-Xet-Hash": served.xet, "X-Xet-Refresh-Route": f"/api/models/{repository}/xet"}
            headers["Location"] = f"http://localhost:{self.server.server_port}/blobs/{repository}/{name}"
            self.say(302, headers)
        elif match and any(repository == match[1] for repository, _ in self.hub.files):
            self.say(404, {"X-Error-Code": "EntryNotFound"})
        else:
            self.say(401, {"X-Error-Code": "RepoNotFound"})

    def say(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def send_blob(self, served: Served, wanted: str | None) -> None:
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        rest = served.content[start:]
        self.send_response(206 if wanted else 200)
        if served.size is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(rest)))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
        self.end_headers()
        match served.gets.pop(0) if served.gets else None:
            case None:
                self.wfile.write(rest)
            case CutOff(after):
                self.wfile.write(rest[:after])
                self.close_connection = True
            case Silent(after):
                self.wfile.write(rest[:after])
                self.wfile.flush()
                self.hub.closing.wait(10)
                self.close_connection = True
            case Slow(pieces, pause):
                step = -(-len(rest) // pieces)
                for piece in (rest[i : i + step] for i in range(0, len(rest), step)):
                    self.hub.closing.wait(pause)
                    self.wfile.write(piece)
                    self.wfile.flush()


@contextmanager
def hub_on_this_machine(monkeypatch, folder) -> Iterator[Hub]:
    """Serve, and let huggingface_hub ask here and keep its cache in the folder."""
    import huggingface_hub
    from huggingface_hub import constants, file_download

    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(folder / "harnesses"), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # how much is kept when a connection breaks
    monkeypatch.setattr(file_download, "xet_get", hub.from_xet)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    close_session = getattr(huggingface_hub, "close_session", lambda: None)  # older clients have none
    close_session()
    try:
        yield hub
    finally:
        close_session()
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()

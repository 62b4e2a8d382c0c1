"""A server that speaks as much of the Hugging Face hub's protocol as fetching a model needs, and misbehaves on demand.

The listing of a repository, `resolve` with a redirect to another server (the hub's content lies elsewhere, under
signed addresses), entity tags, ranges, gated and private repositories.
"""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40


@dataclass
class Asked:
    """One request, as a test looks at it."""

    server: str
    """`hub` or `content`."""
    method: str
    path: str
    token: str | None
    range: str | None
    program: str


@dataclass
class Hub:
    """The repositories, and how the servers behave."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    gated: set[str] = field(default_factory=set)
    token: str | None = None
    """What private and gated repositories want; a wrong one is refused everywhere."""
    status: int | None = None
    """With which every request is refused."""
    break_after: list[int] = field(default_factory=list)
    """After how many bytes of content the next answers break off."""
    bytes_per_second: int | None = None
    ranges: bool = True
    answer: bytes | None = None
    """That is given for every listing."""
    lies: dict[str, bytes] = field(default_factory=dict)
    """Content that is sent instead of what the listing promises."""
    url: str = ""
    content_url: str = ""
    lfs_from: int = 1000
    """Size from which files are kept apart, with a SHA-256."""
    stalled: threading.Event = field(default_factory=threading.Event)
    """Set while an answer waits for `go_on`."""
    stall_after: int | None = None
    go_on: threading.Event = field(default_factory=threading.Event)

    def content_requests(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "GET" and "/resolve/" in asked.path]

    def about(self, repository: str) -> dict[str, Any]:
        """Return what the hub says of a model when it is asked for its files, too."""
        siblings: list[dict[str, Any]] = []
        for path, data in self.repositories[repository].items():
            sibling: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": git_sha1(data)}
            if len(data) >= self.lfs_from:
                sibling["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 134}
            siblings.append(sibling)
        return {"id": repository, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Run both servers on loopback."""
    hub = Hub()
    with _server(hub, "hub") as hub.url, _server(hub, "content") as hub.content_url:
        try:
            yield hub
        finally:
            hub.go_on.set()


@contextmanager
def _server(hub: Hub, name: str) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub, name))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(hub: Hub, name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            authorization = self.headers.get("Authorization")
            token = authorization.removeprefix("Bearer ") if authorization else None
            program = self.headers.get("User-Agent", "")
            hub.asked.append(Asked(name, self.command, path, token, self.headers.get("Range"), program))
            if hub.status is not None:
                self._refuse(hub.status, "", "")
            elif name == "content":
                self._content(*path.removeprefix("/resolve/").split("|"))
            elif token is not None and token != hub.token:
                self._refuse(401, "", "Invalid credentials in Authorization header")
            elif path.startswith("/api/models/"):
                self._listing(path.removeprefix("/api/models/"), token)
            elif "/resolve/" in path:
                self._resolve(path, token)
            else:
                self._refuse(404, "", "")

        def _allowed(self, repository: str, token: str | None) -> bool:
            if repository not in hub.repositories:
                self._refuse(401 if token is None else 404, "RepoNotFound", "Repository not found")
            elif repository in hub.gated and token != hub.token:
                self._refuse(401, "GatedRepo", "Access to this model is restricted")
            else:
                return True
            return False

        def _listing(self, path: str, token: str | None) -> None:
            repository = "/".join(path.split("/")[:2])
            if repository not in hub.repositories:
                self._allowed(repository, token)
                return
            body = hub.answer or json.dumps(hub.about(repository)).encode()  # that of a gated repository is open to all
            self._send(200, body, {"Content-Type": "application/json"})

        def _resolve(self, path: str, token: str | None) -> None:
            repository, _, rest = path.strip("/").partition("/resolve/")
            file = rest.partition("/")[2]
            if not self._allowed(repository, token):
                return
            data = hub.repositories[repository].get(file)
            if data is None:
                self._refuse(404, "EntryNotFound", "Entry not found")
                return
            if len(data) < hub.lfs_from:
                self._content(repository, file)
                return
            headers = {
                "Location": f"{hub.content_url}/resolve/{repository}|{file}",
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{sha256(data)}"',
                "X-Linked-Size": str(len(data)),
            }
            self._send(302, b"", headers)

        def _content(self, repository: str, file: str) -> None:
            data = hub.lies.get(file, hub.repositories[repository][file])
            begin, status = 0, 200
            headers = {"ETag": f'"{sha256(data)}"', "X-Repo-Commit": COMMIT}
            wanted = self.headers.get("Range")
            if wanted and hub.ranges:
                begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
                status = 206
                headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
            self._send(status, data[begin:], headers)

        def _refuse(self, status: int, code: str, message: str) -> None:
            headers = {"X-Error-Code": code, "X-Error-Message": message} if code or message else {}
            self._send(status, json.dumps({"error": message}).encode(), headers)

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            try:
                self._send_body(body, content=name == "content")
            except OSError:  # the client has gone
                self.close_connection = True

        def _send_body(self, body: bytes, *, content: bool) -> None:
            end = len(body)
            if content and hub.break_after:
                end = hub.break_after.pop(0)
                self.close_connection = True
            piece = 2**16 if hub.bytes_per_second is None else max(1, hub.bytes_per_second // 20)
            sent = 0
            while sent < end:
                if content and hub.stall_after is not None and sent >= hub.stall_after:
                    self.wfile.flush()
                    hub.stalled.set()
                    hub.go_on.wait(30)
                self.wfile.write(body[sent : min(end, sent + piece)])
                sent += piece
                if hub.bytes_per_second is not None:
                    time.sleep(0.05)

    return Handler

"""What answers instead of the internet: a proxy for all that asks one, and an address that GitHub's is sent to."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote


@dataclass
class Internet:
    """What there is to get, by address without `https://api.github.com`, and who has asked for it."""

    pages: Mapping[str, object]
    """HTML as text, and what is sent as JSON."""
    url: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Addresses, each with the authorization that came with it."""

    @property
    def as_proxy(self) -> dict[str, str]:
        """The environment of a program that takes the internet from here."""
        return {"http_proxy": self.url, "HTTP_PROXY": self.url}

    @property
    def as_github(self) -> dict[str, str]:
        """The environment of a Node program that takes this for GitHub."""
        script = f"""
            const fetched = globalThis.fetch;
            globalThis.fetch = (url, options) =>
                fetched(String(url).replace("https://api.github.com", "{self.url}"), options);
        """
        return {"NODE_OPTIONS": f"--import=data:text/javascript,{quote(script)}"}


@contextlib.contextmanager
def internet(pages: Mapping[str, object]) -> Iterator[Internet]:
    """Serve `pages` on a port of this machine; all others are not found."""
    served = Internet(pages)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers.get("Authorization")))
            page = pages.get(self.path)
            if page is None:
                self.send_error(404)
                return
            kind, content = ("text/html", page) if isinstance(page, str) else ("application/json", json.dumps(page))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

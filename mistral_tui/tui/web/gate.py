"""Who may use the interface in a browser: whoever has opened the address with the token in it.

A page of another site must not get in although the person's browser can reach this server. So each request must name
the server by its own address (a name that somebody's DNS leads here is refused), must carry the cookie that the token
was exchanged for, and a websocket, to which cookies of any page go along, must come from our page.
"""

import hmac
import secrets
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws://{host}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class Gate:
    """Checks every request to one server.

    Args:
        host: Its address, with the port, as the browser must name it.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        # Browsers keep cookies by address without the port: two servers must not take each other's.
        self._cookie = f"mistral-tui-{host.rpartition(':')[2]}"
        self._headers = {**_HEADERS, "Content-Security-Policy": _POLICY.format(host=host)}
        self._token = secrets.token_urlsafe(24)
        self._pass = secrets.token_urlsafe(24)

    @property
    def address(self) -> str:
        """What to open: with the token, which works as often as it is used."""
        return f"http://{self._host}/?token={self._token}"

    @property
    def middleware(self) -> Middleware:
        """What the server asks before it answers."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.host != self._host:
                return web.Response(
                    status=421, text=f"this server is http://{self._host}; open the address it printed\n"
                )
            if (token := request.query.get("token")) is not None:
                return self._exchange(token)
            if not self._same(request.cookies.get(self._cookie, ""), self._pass):
                return web.Response(status=403, text="open the address that was printed, with the token in it\n")
            if request.headers.get("Upgrade") and request.headers.get("Origin") != f"http://{self._host}":
                return web.Response(status=403, text="only the page of this server may connect\n")
            return await handler(request)

        return check

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Tell the browser what the page may do."""
        response.headers.update(self._headers)

    def _exchange(self, token: str) -> web.StreamResponse:
        """Give a cookie for the token, and lead to an address without it: it should not stay in the history."""
        if not self._same(token, self._token):
            return web.Response(status=403, text="the token is not this server's; open the address that it printed\n")
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(self._cookie, self._pass, httponly=True, samesite="Strict", path="/")
        return response

    @staticmethod
    def _same(one: str, other: str) -> bool:
        return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())

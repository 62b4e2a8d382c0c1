"""A server of MCP that wants a login, and the login server beside it: OAuth 2.1 with PKCE, registration and renewal."""

import base64
import hashlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.tools.mcp.elsewhere import Misbehaving


class Authority:
    """Both in one; `how` says what goes wrong.

    Args:
        how: `not`, `denies`, `takes no registration`, `renews nothing`, or `wants more for calls`.
    """

    def __init__(self, how: str = "not") -> None:
        self.how = how
        self.lifetime = 3600
        """Of an access token, in seconds."""
        self.valid: set[str] = set()
        """The access tokens that the MCP server takes."""
        self.clients: dict[str, list[str]] = {}
        """Where each client may come back to."""
        self.grants: list[str] = []
        """What tokens were asked for with."""
        self.scopes: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._renewals: set[str] = set()
        self._numbers = itertools.count(1)
        self._server = Misbehaving()
        ways: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/.well-known/oauth-protected-resource/mcp": self._resource,
            "/.well-known/oauth-authorization-server": self._authority,
            "/join": self._register,
            "/ask": self._authorize,
            "/tokens": self._token,
            "/mcp": self._guarded,
        }
        routes = [Route(path, endpoint, methods=["GET", "POST", "DELETE"]) for path, endpoint in ways.items()]
        self.app = Starlette(routes=routes)

    async def _resource(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return JSONResponse({"resource": f"{base}/mcp", "authorization_servers": [base]})

    async def _authority(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        known = {
            "issuer": base,
            "authorization_endpoint": f"{base}/ask",
            "token_endpoint": f"{base}/tokens",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
        }
        if self.how != "takes no registration":
            known["registration_endpoint"] = f"{base}/join"
        return JSONResponse(known)

    async def _register(self, request: Request) -> Response:
        if self.how == "takes no registration":
            return JSONResponse({"error": "not_found"}, 404)
        asked = await request.json()
        client = f"client-{next(self._numbers)}"
        self.clients[client] = asked["redirect_uris"]
        return JSONResponse({**asked, "client_id": client, "token_endpoint_auth_method": "none"}, 201)

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["redirect_uri"] in self.clients[asked["client_id"]]
        assert asked["code_challenge_method"] == "S256"
        back: dict[str, str] = {"state": asked["state"]}
        if self.how == "denies":
            back |= {"error": "access_denied", "error_description": "not today"}
        else:
            back["code"] = f"code-{next(self._numbers)}"
            self._codes[back["code"]] = asked
            self.scopes.append(asked.get("scope", ""))
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        self.grants.append(form["grant_type"])
        if form["grant_type"] == "refresh_token":
            if self.how == "renews nothing" or form["refresh_token"] not in self._renewals:
                return JSONResponse({"error": "invalid_grant"}, 400)
            self._renewals.remove(form["refresh_token"])
            return self._tokens()
        asked = self._codes.pop(form["code"])
        digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if digest != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if form["client_id"] == "known" and form.get("client_secret") != "hush":
            return JSONResponse({"error": "invalid_client"}, 401)
        return self._tokens()

    def _tokens(self) -> Response:
        number = next(self._numbers)
        self.valid = {f"access-{number}"}
        self._renewals.add(f"renewal-{number}")
        given: dict[str, Any] = {"access_token": f"access-{number}", "refresh_token": f"renewal-{number}"}
        return JSONResponse({**given, "token_type": "Bearer", "expires_in": self.lifetime})

    async def _guarded(self, request: Request) -> Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            known = f"{request.base_url}.well-known/oauth-protected-resource/mcp"
            return Response(status_code=401, headers={"WWW-Authenticate": f'Bearer resource_metadata="{known}"'})
        wants_more = self.how == "wants more for calls" and b"tools/call" in await request.body()
        if wants_more and "moon" not in self.scopes[-1]:
            challenge = 'Bearer error="insufficient_scope", scope="moon"'
            return Response(status_code=403, headers={"WWW-Authenticate": challenge})
        return await self._server.answer(request)

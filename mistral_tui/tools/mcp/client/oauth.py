"""OAuth for servers elsewhere: what the SDK's provider does not do by itself.

It keeps neither the login server nor the end of a token, so a stored login could not be renewed; it registers anew and
opens a browser whenever a server says 401, also when nobody asked; one request waits for the answer to the other; and
two programs cannot share a login. Here a login is renewed silently, and made only when the person asks for it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
from mcp.client.auth.oauth2 import OAuthClientProvider, TokenStorage
from mcp.client.auth.utils import extract_field_from_www_auth, extract_scope_from_www_auth, union_scopes
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import AnyUrl, BaseModel, ValidationError

from mistral_tui.tools.mcp.client.callback import Callback
from mistral_tui.tools.mcp.vault import Login, Vault
from mistral_tui.types.errors import ServerFailed
from mistral_tui.types.servers import McpServer

T = TypeVar("T", bound=BaseModel)
_EARLY_SECONDS: Final = 30.0
"""So long before its end a token is renewed."""
_MOST_ASKED: Final = 3
"""How often one login sends the person to the browser: a server may find later that it needs more rights."""
_LOCAL: Final = "http://127.0.0.1/callback"

# What the SDK says of a flow may hold a body that a stranger has written; failures are told by this program.
logging.getLogger("mcp.client.auth").setLevel(logging.CRITICAL)


class OAuth(OAuthClientProvider):
    """Adds to requests what the person has logged in for, and makes logins.

    Args:
        server: Where it is.
        vault: Where the login is kept.
        callback: Where the browser comes back to; `None`: nobody is asked, and a request that wants a login fails.
        show: Takes the address at which the person logs in.
    """

    def __init__(
        self,
        server: McpServer,
        vault: Vault,
        callback: Callback | None = None,
        show: Callable[[str], None] = lambda address: None,
    ) -> None:
        self._server = server
        self._callback = callback
        self._show = show
        self._asked = 0
        metadata = OAuthClientMetadata(
            client_name="mistral-tui",
            redirect_uris=[AnyUrl(callback.address if callback else _LOCAL)],
            scope=server.oauth.scope or None,
        )
        self._stored = _Stored(server, vault, callback)
        described = server.oauth.client_metadata_url or None
        super().__init__(server.url, metadata, self._stored, self._ask, self._answer, described)
        self._stored.provider = self

    async def _initialize(self) -> None:
        """Load what is known from the login, with the login server and the end of its token."""
        await super()._initialize()
        login = await self._stored.read()
        context = self.context
        if context.current_tokens is not None:
            context.token_expiry_time = login.expires_at and login.expires_at - _EARLY_SECONDS
        context.oauth_metadata = context.oauth_metadata or _read(OAuthMetadata, login.authority)
        resource = context.protected_resource_metadata or _read(ProtectedResourceMetadata, login.resource)
        context.protected_resource_metadata = resource
        if resource is not None and context.auth_server_url is None:
            context.auth_server_url = str(resource.authorization_servers[0])

    async def _auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        # The SDK's flow lets one request wait for the answer to the other, and logs in unasked: only a login uses it.
        flow = super()._auth_flow(request) if self._callback is not None else self._use_login(request)
        async with contextlib.aclosing(flow):
            outgoing = await anext(flow)
            with contextlib.suppress(StopAsyncIteration):
                while True:
                    outgoing = await flow.asend((yield outgoing))

    async def _use_login(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send a request with the token there is, renewed where it has to be; whatever is answered then stands."""
        context = self.context
        async with context.lock:
            if not self._initialized:
                await self._initialize()
            has_ended = context.current_tokens is not None and not context.is_token_valid()
            if has_ended and not await self._is_newer() and context.can_refresh_token():
                await self._handle_refresh_response((yield await self._refresh_token()))
        self._add_auth_header(request)
        sent = context.current_tokens
        response = yield request
        if response.status_code == 403 and extract_field_from_www_auth(response, "error") == "insufficient_scope":
            await self._stored.want(extract_scope_from_www_auth(response) or "")
        if response.status_code != 401 or sent is None:
            return
        async with context.lock:
            if context.current_tokens is sent and not await self._is_newer() and context.can_refresh_token():
                await self._handle_refresh_response((yield await self._refresh_token()))
        self._add_auth_header(request)
        yield request

    async def _is_newer(self) -> bool:
        """Whether another program has renewed the login meanwhile; if so it is used."""
        before = self.context.current_tokens
        now = await self._stored.get_tokens()
        if now is None or (before is not None and now.access_token == before.access_token):
            return False
        await self._initialize()
        return True

    async def _perform_authorization(self) -> httpx2.Request:
        self._choose_method()
        login, metadata = await self._stored.read(), self.context.client_metadata
        metadata.scope = union_scopes(self._server.oauth.scope or metadata.scope, login.wanted or None)
        return await super()._perform_authorization()

    async def _refresh_token(self) -> httpx2.Request:
        self._choose_method()
        return await super()._refresh_token()

    def _choose_method(self) -> None:
        """Say how a secret from the configuration is shown to the login server; a registration says so itself."""
        client, known = self.context.client_info, self.context.oauth_metadata
        if client is None or not client.client_secret or client.token_endpoint_auth_method is not None:
            return
        methods = (known and known.token_endpoint_auth_methods_supported) or ["client_secret_basic"]
        by_basic = "client_secret_basic" in methods
        client.token_endpoint_auth_method = "client_secret_basic" if by_basic else "client_secret_post"

    async def _ask(self, address: str) -> None:
        assert self._callback is not None
        self._asked += 1
        if self._asked > _MOST_ASKED:
            raise ServerFailed(f"no login at the MCP server {self._server.name}: it wants more rights again and again")
        (state,) = parse_qs(urlsplit(address).query)["state"]
        self._callback.expect(state)
        self._show(address)

    async def _answer(self) -> AuthorizationCodeResult:
        assert self._callback is not None
        return await self._callback.result(self._server.name)


class _Stored(TokenStorage):
    """The vault, as the SDK wants it. A new login begins without the tokens of the old one."""

    provider: OAuth

    def __init__(self, server: McpServer, vault: Vault, callback: Callback | None) -> None:
        self._server = server
        self._vault = vault
        self._callback = callback

    async def read(self) -> Login:
        return await asyncio.to_thread(self._vault.find, self._server.url) or Login()

    async def get_tokens(self) -> OAuthToken | None:
        if self._callback is not None:
            return None
        return _read(OAuthToken, (await self.read()).tokens)

    async def set_tokens(self, tokens: OAuthToken) -> None:
        context = self.provider.context
        expires_at = time.time() + tokens.expires_in if tokens.expires_in else None
        await self._write(
            tokens=_written(tokens),
            expires_at=expires_at,
            authority=_written(context.oauth_metadata),
            resource=_written(context.protected_resource_metadata),
        )

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        known = self._server.oauth
        if known.client_id:
            return OAuthClientInformationFull(client_id=known.client_id, client_secret=known.client_secret or None)
        login = await self.read()
        if self._callback is not None and login.port != self._callback.port:
            return None  # it is registered with another address to come back to
        return _read(OAuthClientInformationFull, login.client)

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        await self._write(client=_written(client_info), port=self._callback.port if self._callback else 0)

    async def want(self, scope: str) -> None:
        """Remember which rights were missing, for the next login."""
        login = await self.read()
        if wanted := union_scopes(login.wanted or None, scope or None):
            await self._write(wanted=wanted)

    async def _write(self, **values: object) -> None:
        login = msgspec.structs.replace(await self.read(), **values)
        await asyncio.to_thread(self._vault.keep, self._server.url, login)


def _written(document: BaseModel | None) -> dict[str, object] | None:
    return document.model_dump(mode="json", exclude_none=True) if document is not None else None


def _read(kind: type[T], document: dict[str, object] | None) -> T | None:
    try:
        return kind.model_validate(document) if document is not None else None
    except ValidationError:
        return None

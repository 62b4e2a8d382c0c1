"""Where the key of an endpoint comes from: the environment, or the system's keyring."""

import os
from importlib import import_module
from typing import Final

from mistral_tui.engines.remote.failures import described
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import EndpointError

SERVICE: Final = "mistral-tui"
"""The name that keys have in the keyring, besides that of their endpoint."""


def key_of(endpoint: Endpoint) -> str | None:
    """Return the key of an endpoint; `None` if it has none. The keyring may ask the person, so this can take long.

    Raises:
        EndpointError: There is to be one, and it is not there, or cannot be sent.
    """
    if endpoint.api_key_env is not None:
        key = os.environ.get(endpoint.api_key_env, "").strip()
        where = f"the variable {endpoint.api_key_env}"
    elif endpoint.keyring:
        key = _from_keyring(endpoint)
        where = f"the keyring (keyring set {SERVICE} {endpoint.name})"
    else:
        return None
    if not key:
        raise EndpointError(f"the key of {described(endpoint)} is not in {where}; put it there")
    if not key.isascii() or not key.isprintable():
        raise EndpointError(f"the key of {described(endpoint)} in {where} has characters that no key has; correct it")
    return key


def _from_keyring(endpoint: Endpoint) -> str:
    try:
        keyring = import_module("keyring")
    except ImportError:
        raise EndpointError(
            f"the key of {described(endpoint)} is in the keyring, and what reads that is not installed; "
            "`pip install mistral-tui[keyring]`, or name a variable with api_key_env"
        ) from None
    try:
        key: str | None = keyring.get_password(SERVICE, endpoint.name)
    except Exception as error:  # what reads a keyring raises what it likes
        reason = str(error) or type(error).__name__
        raise EndpointError(f"the keyring cannot be read: {reason}; unlock it, or use api_key_env") from None
    return (key or "").strip()

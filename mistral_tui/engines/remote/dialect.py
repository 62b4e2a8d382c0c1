"""What one server takes, found out by asking it: what it refuses is left out from then on, and the person is told."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from mistral_tui.engines.remote.failures import Refused
from mistral_tui.engines.remote.parameters import OPTIONAL, USAGE, as_parameters, our_name, unsayable
from mistral_tui.types.messages import Json
from mistral_tui.types.requests import GenerateRequest

_UNKNOWN: Final = re.compile(
    r"unknown|unrecogni[sz]ed|unexpected|unsupported|extra (?:inputs|fields)|not (?:permitted|supported|allowed)"
    r"|does ?n[o']t support|no such (?:field|parameter)|additional ?propert|invalid (?:field|parameter)",
    re.IGNORECASE,
)
_NEWER: Final = "max_completion_tokens"
"""What OpenAI's later models want instead of `max_tokens`."""


class Dialect:
    """The parameters that a server takes.

    Args:
        tell: Told once of each that is left out.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._left_out: set[str] = set()
        self._told: set[str] = set()
        self._renamed = False

    def parameters(self, request: GenerateRequest) -> Json:
        """Return the parameters of a request in the server's words."""
        if unsaid := unsayable(request.sampling):
            self._say((unsaid,))
        found = as_parameters(request, self._left_out)
        if self._renamed and "max_tokens" in found:
            found[_NEWER] = found.pop("max_tokens")
        return found

    def learn(self, refusal: Refused, sent: Mapping[str, Any]) -> bool:
        """Return whether a refusal was about parameters that can be left out: then it is worth asking again."""
        if refusal.status not in (400, 422) or not _UNKNOWN.search(refusal.body + refusal.said):
            return False
        if _NEWER in refusal.body and "max_tokens" in sent and not self._renamed:
            self._renamed = True
            return True
        optional = [name for name in sent if name in OPTIONAL]
        named = [name for name in optional if re.search(rf"(?<![\w-]){name}(?![\w-])", refusal.body)]
        # Without a name it may be any of them.
        refused = named or optional
        if not refused:
            return False
        self._left_out.update(refused)
        self._say(tuple(our_name(name) for name in refused if name != USAGE))
        return True

    def _say(self, names: tuple[str, ...]) -> None:
        untold = [name for name in dict.fromkeys(names) if name not in self._told]
        self._told.update(untold)
        if untold:
            takes = "is left out: the endpoint does not take it"
            if len(untold) > 1:
                takes = "are left out: the endpoint does not take them"
            self._tell(f"{', '.join(untold)} {takes}")

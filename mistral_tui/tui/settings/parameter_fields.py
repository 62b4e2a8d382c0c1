"""The parameters of one chat, as the screen of fields shows and sets them."""

from typing import Any, get_args

import msgspec

from mistral_tui.chat.live import LiveChat
from mistral_tui.config.presets import PARAMETERS
from mistral_tui.config.schema import in_words, setting, typed
from mistral_tui.config.setting import Setting
from mistral_tui.tui.settings.fields import FieldState
from mistral_tui.types.choices import ContextPolicy
from mistral_tui.types.requests import SamplingParams

_SYSTEM = Setting("system_prompt", "Chat", "what every request of this chat begins with", "text", "none")
_USUAL = SamplingParams()


class ParameterFields:
    """How the next replies of a chat are written."""

    title = "parameters of this chat"

    def __init__(self, chat: LiveChat) -> None:
        self._chat = chat

    def all(self) -> list[FieldState]:
        """Return all parameters as they are now."""
        request = self._chat.request
        system = self._chat.conversation.session.system_prompt or ""
        fields = [
            FieldState(_SYSTEM, system),
            FieldState(_of_the_chat("context_policy"), request.context_policy),
            FieldState(_of_the_chat("enable_thinking"), in_words(request.enable_thinking)),
        ]
        for name in PARAMETERS:
            value = getattr(request.sampling, name)
            fields.append(FieldState(_parameter(name), "" if value == getattr(_USUAL, name) else in_words(value)))
        return fields

    def check(self, name: str, text: str) -> None:
        """Raise `InvalidRequest` if a parameter cannot have this value."""
        self._value(name, text)

    async def save(self, name: str, text: str) -> str:
        """Let a parameter count from the next reply on."""
        value = self._value(name, text)
        request = self._chat.request
        if name == "system_prompt":
            self._chat.settings.use_system_prompt(text)
        elif name == "context_policy":
            policy: ContextPolicy = value or get_args(ContextPolicy)[0]
            self._chat.settings.use(msgspec.structs.replace(request, context_policy=policy))
        elif name == "enable_thinking":
            self._chat.settings.use(msgspec.structs.replace(request, enable_thinking=value))
        else:
            changed = value if text else getattr(_USUAL, name)
            self._chat.settings.use_sampling(msgspec.structs.replace(request.sampling, **{name: changed}))
        return f"{name}: {'set' if text else 'the default again'}; it counts from the next reply on"

    def _value(self, name: str, text: str) -> Any:
        if name == "system_prompt":
            return text
        return typed(name, text) if text else None


def _of_the_chat(name: str) -> Setting:
    return msgspec.structs.replace(setting(name), group="Chat")


def _parameter(name: str) -> Setting:
    """Return what is known of a parameter; where nothing is set, the model's own recommendation comes first."""
    known = setting(name)
    if getattr(_USUAL, name) is None and name not in ("seed", "max_tokens"):
        return msgspec.structs.replace(known, default=f"the model's, else {known.default}")
    return known

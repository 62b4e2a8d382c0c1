"""How one chat is answered where a person has set that for it alone: kept with its session, and counted again later."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec

from mistral_tui.chat.conversation import Conversation
from mistral_tui.types.choices import ContextPolicy
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import Json
from mistral_tui.types.models import Adapter, ModelEntry
from mistral_tui.types.requests import GenerateRequest, SamplingParams
from mistral_tui.types.sessions import MODEL, TOOLS
from mistral_tui.types.text import printable
from mistral_tui.types.tools import ToolSettings

_OF_REQUEST: Mapping[str, Any] = {
    "context_policy": ContextPolicy,
    "enable_thinking": bool | None,
    "adapters": tuple[Adapter, ...] | None,
}
_OF_SAMPLING: Mapping[str, Any] = {
    field.name: field.type
    for field in msgspec.structs.fields(SamplingParams)
    # Biases name tokens of one model; the others say what is looked at, not how a chat is answered.
    if field.name not in ("logit_bias", "logprobs", "top_logprobs", "ignore_eos")
}


class ChatSettings:
    """Who answers one chat, and how, from its next turn on; what is set here is part of its session."""

    def __init__(self, conversation: Conversation, usual: GenerateRequest, changed: Callable[[], None]) -> None:
        """Begin as the session says.

        Args:
            conversation: Its session remembers what is set.
            usual: What the turns of a chat ask for, besides its messages, where nothing is set.
            changed: Stores the session.
        """
        self.entry: ModelEntry | None = None
        """The model that answers; `None`: the one of the workspace."""
        self.request = with_settings(usual, conversation.session.settings)
        """What every turn asks for, besides its messages."""
        self.tools = tool_settings(conversation.session.settings)
        """Which tools are offered to the model."""
        self._conversation = conversation
        self._usual = usual
        self._changed = changed

    @property
    def chosen_model(self) -> ModelEntry | None:
        """The model that was chosen for this chat; `None`: it is answered by what was usual when it began."""
        return self.entry if MODEL in self._conversation.session.settings else None

    def use(self, request: GenerateRequest) -> None:
        """Ask for this, besides the messages."""
        self.request = request
        self._remember()

    def use_model(self, entry: ModelEntry) -> None:
        """Let this model answer."""
        self.entry = entry
        self._remember()

    def use_adapters(self, adapters: tuple[Adapter, ...]) -> None:
        """Let these LoRAs count."""
        self.use(msgspec.structs.replace(self.request, adapters=adapters))

    def use_sampling(self, sampling: SamplingParams) -> None:
        """Choose tokens like this."""
        self.use(msgspec.structs.replace(self.request, sampling=sampling))

    def use_system_prompt(self, text: str | None) -> None:
        """Begin every request with this system message; `None`: with none."""
        text = printable(text).strip() if text else None
        self._set_session(system_prompt=text or None)

    def use_tools(self, tools: ToolSettings) -> None:
        """Offer these tools to the model."""
        self.tools = tools
        self._remember()

    def begin_like(self, other: "ChatSettings") -> None:
        """Answer with the model and the parameters of another chat."""
        self.entry = other.entry
        self.tools = other.tools
        self.use(other.request)

    def learned(self) -> None:
        """Another program may have set something."""
        self.request = with_settings(self._usual, self._conversation.session.settings)
        self.tools = tool_settings(self._conversation.session.settings)

    def _remember(self) -> None:
        before = self._conversation.session.settings
        settings = own_settings(self.request, self._usual, before)
        model = before.get(MODEL) if self.entry is None else self.entry.name
        if model:
            settings[MODEL] = model
        if tools := msgspec.to_builtins(self.tools):
            settings[TOOLS] = tools
        self._set_session(settings=settings)

    def _set_session(self, **changes: str | Json | None) -> None:
        self._conversation.session = msgspec.structs.replace(self._conversation.session, **changes)
        self._changed()


def own_settings(request: GenerateRequest, usual: GenerateRequest, before: Json) -> Json:
    """Return what was set for one chat, as JSON values by the names of the fields.

    Args:
        request: What its turns ask for.
        usual: What those of new chats do.
        before: What had been set for it, perhaps where something else was usual.
    """
    settings: Json = {}
    for ours, theirs, names in ((request, usual, _OF_REQUEST), (request.sampling, usual.sampling, _OF_SAMPLING)):
        for name in names:
            value = msgspec.json.decode(msgspec.json.encode(getattr(ours, name)))
            if getattr(ours, name) != getattr(theirs, name) or (name in before and before[name] == value):
                settings[name] = value
    return settings


def with_settings(usual: GenerateRequest, settings: Json) -> GenerateRequest:
    """Return what the turns of a chat ask for; a setting that makes no sense, as to another version, is left out."""
    request = usual
    for name, value in settings.items():
        try:
            if name in _OF_REQUEST:
                request = msgspec.structs.replace(request, **{name: msgspec.convert(value, _OF_REQUEST[name])})
            elif name in _OF_SAMPLING:
                converted = msgspec.convert(value, _OF_SAMPLING[name])
                sampling = msgspec.structs.replace(request.sampling, **{name: converted})
                request = msgspec.structs.replace(request, sampling=sampling)
        except (msgspec.ValidationError, InvalidRequest):
            continue
    return request


def tool_settings(settings: Json) -> ToolSettings:
    """Return what was set of the tools; what makes no sense, as to another version, is as if it were not set."""
    try:
        return msgspec.convert(settings.get(TOOLS, {}), ToolSettings)
    except msgspec.ValidationError:
        return ToolSettings()


def next_thinking(request: GenerateRequest) -> GenerateRequest:
    """Let the model think, not think, or do as it likes (`None`)."""
    following = {None: True, True: False, False: None}
    return msgspec.structs.replace(request, enable_thinking=following[request.enable_thinking])


def next_context_policy(request: GenerateRequest) -> GenerateRequest:
    """Choose the next of the policies for a full context."""
    policies = get_args(ContextPolicy)
    following = policies[(policies.index(request.context_policy) + 1) % len(policies)]
    return msgspec.structs.replace(request, context_policy=following)

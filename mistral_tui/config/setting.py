"""What is known of one setting besides its value: group, meaning, what may be set, what counts otherwise."""

from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

Kind = Literal["text", "whole number", "number", "switch", "choice", "list"]


def about(group: str, meaning: str, default: str | None = None) -> msgspec.Meta:
    """Describe a setting, as the annotation of its field.

    Args:
        group: The heading that it is listed under.
        meaning: What it does, in a few words.
        default: What counts while it is not set, in words; `None`: the default of the struct that it goes into.
    """
    return msgspec.Meta(description=meaning, extra={"group": group, "default": default})


class Setting(msgspec.Struct, frozen=True):
    """One setting, as it is listed and edited."""

    name: str
    group: str
    meaning: str
    kind: Kind
    default: str
    """What counts while it is not set, in words."""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def allowed(self) -> str:
        """What may be set, in a few words."""
        if self.choices:
            return " | ".join(self.choices)
        if self.low is not None and self.high is not None:
            # Limits of the computer rather than of the setting need no saying.
            above = f" to {self.high:,g}" if self.high < 1e6 else " up"
            return f"{self.kind} from {self.low:g}{above}"
        return {"switch": "true | false", "list": "a list"}.get(self.kind, self.kind)


def setting_of(field: msgspec.structs.FieldInfo, default: str, limits: tuple[float, float] | None) -> Setting:
    """Return the description of a field whose annotation says what it is `about`.

    Args:
        field: The field.
        default: What counts while it is not set, unless the annotation says it.
        limits: The least and the greatest value.
    """
    kind, choices = _kind(field.type)
    meta = _meta(field.type)
    told: dict[str, Any] = meta.extra or {}
    low, high = limits or (None, None)
    return Setting(
        field.name,
        told["group"],
        meta.description or "",
        kind,
        told["default"] if told["default"] is not None else default,
        choices,
        low,
        high,
    )


def _meta(kind: Any) -> msgspec.Meta:
    metas = [each for each in get_args(kind)[1:] if isinstance(each, msgspec.Meta)]
    if get_origin(kind) is not Annotated or not metas:
        raise TypeError(f"{kind} does not say what it is about")
    return metas[0]


def _kind(annotated: Any) -> tuple[Kind, tuple[str, ...]]:
    alternatives = [each for each in get_args(get_args(annotated)[0]) if each is not type(None)]
    first = alternatives[0]
    if get_origin(first) is Literal:
        return "choice", tuple(map(str, get_args(first)))
    if get_origin(first) is tuple:
        return "list", ()
    kinds: dict[Any, Kind] = {bool: "switch", int: "whole number", float: "number"}
    return kinds.get(first, "text"), ()

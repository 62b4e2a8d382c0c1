"""Endpoints in the settings file: its tables `[[endpoints]]`."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from mistral_tui.config.toml_files import TomlFile, key_pattern
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import InvalidRequest

SECTION: Final = "endpoints"
_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Endpoint)}

Refuse = Callable[[str, str], None]
"""Takes a problem, and what becomes of it; raises if the person wants errors."""


def read_endpoints(file: TomlFile, tables: Any, refuse: Refuse) -> tuple[Endpoint, ...]:
    """Return the endpoints that a settings file names; one that cannot be used is left out and told.

    Args:
        file: The settings file.
        tables: What it has under `endpoints`.
        refuse: Told of each mistake.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        refuse(f"{file.place(SECTION)}: expected tables, each under a line [[endpoints]]", "they are ignored")
        return ()
    found: dict[str, Endpoint] = {}
    for number, table in enumerate(tables):
        try:
            endpoint = _endpoint(file, number, table, refuse)
        except _Mistake as mistake:
            refuse(str(mistake), "the endpoint is ignored")
            continue
        if endpoint.name in found:
            refuse(f"{_place(file, number, 'name')}: a second {endpoint.name!r}", "the endpoint is ignored")
            continue
        found[endpoint.name] = endpoint
    return tuple(found.values())


class _Mistake(Exception):
    """Why an endpoint cannot be used, and where that stands."""


def _endpoint(file: TomlFile, number: int, table: dict[str, Any], refuse: Refuse) -> Endpoint:
    values: dict[str, Any] = {}
    for key, value in table.items():
        place = _place(file, number, key)
        if key not in _FIELDS:
            refuse(f"{place}: endpoints have no such key; they have {', '.join(_FIELDS)}", "it is ignored")
            continue
        given = (value,) if key == "models" and isinstance(value, str) else value
        try:
            values[key] = msgspec.convert(given, type=_FIELDS[key].type)
            _check(key, values[key])
        except msgspec.ValidationError as error:
            expected = str(error).replace(" | null", "").replace("`", "")
            raise _Mistake(f"{place}: {expected[:1].lower()}{expected[1:]}") from None
        except InvalidRequest as error:
            raise _Mistake(f"{place}: {error}") from None
    for key in ("name", "url"):
        if key not in values:
            raise _Mistake(f"{_place(file, number)}: the endpoint has no {key}; give it one")
    return Endpoint(**values)


def _check(key: str, value: Any) -> None:
    """Raise `InvalidRequest` if an endpoint cannot have this value, whatever the others are."""
    Endpoint(**{"name": "any", "url": "http://any", key: value})


def _place(file: TomlFile, number: int, key: str = "") -> str:
    """Return `file, line N, endpoints.key` of the endpoint with this number, from 0."""
    headers = list(re.finditer(rf"^[ \t]*\[\[[ \t]*{key_pattern(SECTION)}[ \t]*\]\]", file.text, re.MULTILINE))
    if number >= len(headers):  # written in a line: endpoints = [{…}]
        return file.place(SECTION)
    start = headers[number].start()
    end = headers[number + 1].start() if number + 1 < len(headers) else len(file.text)
    line = rf"^[ \t]*(?:\[[ \t]*{key_pattern(SECTION)}[ \t]*\.[ \t]*)?{key_pattern(key)}[ \t]*[=.\]]"
    found = re.compile(line, re.MULTILINE).search(file.text, start, end) if key else None
    at = found.start() if found else start
    return f"{file.path}, line {file.text.count(chr(10), 0, at) + 1}, {SECTION}{'.' if key else ''}{key}"

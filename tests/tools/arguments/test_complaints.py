"""What is told of arguments that a schema does not allow, and of schemas that are none."""

from typing import Any

import pytest

pytest.importorskip("jsonschema")

from mistral_tui.tools.arguments.complaints import complaints, takes

pytestmark = pytest.mark.mcp

ZONE = {
    "type": "object",
    "properties": {
        "zone": {"type": "string", "description": "IANA name"},
        "format": {"enum": ["12h", "24h"]},
        "hour": {"type": "integer", "minimum": 0, "maximum": 23},
    },
    "required": ["zone"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"zone": "UTC"}, []),
        ({"zone": "UTC", "format": "24h", "hour": 23}, []),
        ({}, ["zone is missing"]),
        ({"zone": 5}, ["zone: 5 is not of type 'string'"]),
        ({"zone": "UTC", "hour": 24}, ["hour: 24 is greater than the maximum of 23"]),
        ({"zone": "UTC", "format": "metric"}, ["format: 'metric' is not one of ['12h', '24h']"]),
        ({"zone": "UTC", "tz": "UTC"}, ["tz is not known; there are: zone, format, hour"]),
        ({"hour": "noon"}, ["hour: 'noon' is not of type 'integer'", "zone is missing"]),
    ],
)
def test_what_is_wrong_is_told_with_its_place(arguments: dict[str, Any], said: list[str]) -> None:
    assert complaints(ZONE, arguments) == said


def test_the_complaint_about_a_choice_is_about_what_is_nearest() -> None:
    schema = {"properties": {"at": {"anyOf": [{"type": "null"}, {"type": "object", "required": ["line"]}]}}}
    assert complaints(schema, {"at": {}}) == ["at: line is missing"]


def test_long_values_are_cut() -> None:
    (said,) = complaints(ZONE, {"zone": ["x" * 10_000]})
    assert len(said) < 250


def test_what_a_tool_takes_is_one_line() -> None:
    assert takes(ZONE) == "zone (string, needed), format (one of '12h', '24h'), hour (integer)"
    assert takes({"properties": {"a": True, "b": {"type": ["string", "null"]}}}) == "a, b (string or null)"
    assert takes({"type": "object"}) == "nothing"


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}},
        {"properties": {"a": {"$ref": "#/nowhere"}}},
        {"properties": {"a": {"type": "smell"}}},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"minimum": "seven"}}},
        {"properties": {"a": 7}},
        {"properties": {"a": {"$dynamicRef": 5}}},
        {"properties": "none"},
        {"required": 5},
        {"$schema": ["what"], "type": "object"},
        {"$schema": "http://127.0.0.1:9/draft", "type": "object"},
        {"$id": "http://[", "type": "object"},
    ],
)
def test_what_makes_no_sense_in_a_schema_is_not_checked(schema: dict[str, Any]) -> None:
    assert complaints(schema, {"a": "b"}) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"properties": {"a": {"$ref": "#/properties/a"}}},
        {"allOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": {"anyOf": [{"$ref": "#"}]}}},
    ],
)
def test_a_schema_that_refers_to_itself_without_end_allows_nothing(schema: dict[str, Any]) -> None:
    assert complaints(schema, {"a": "b"}) == [
        "they cannot be checked: the schema of this tool refers to itself without end"
    ]


def test_a_schema_that_refers_to_itself_for_a_reason_is_fine() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "name": {"type": "string"}}}
    assert complaints(tree, {"left": {"left": {"name": "leaf"}}}) == []
    assert complaints(tree, {"left": {"left": {"name": 1}}}) == ["left.left.name: 1 is not of type 'string'"]

"""The arguments of a tool as a form."""

import pytest

from mistral_tui.chat.tool_form import FormField, form_arguments, form_fields
from mistral_tui.types.errors import InvalidRequest

pytestmark = pytest.mark.core

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "Where"},
        "days": {"type": ["integer", "null"]},
        "height": {"type": "number"},
        "snow": {"type": "boolean"},
        "unit": {"enum": ["celsius", "kelvin"]},
        "where": {"type": "object"},
    },
    "required": ["city"],
}


def test_each_argument_is_a_line_of_its_kind() -> None:
    fields = form_fields(SCHEMA)
    kinds = ["text", "whole number", "number", "yes or no", "choice", "JSON"]
    assert [field.kind for field in fields] == kinds
    assert fields[0] == FormField("city", "text", required=True, about="Where")


def test_what_is_typed_becomes_arguments_and_empty_lines_are_left_out() -> None:
    texts = {"city": "Oslo", "days": "3", "height": "1.5", "snow": "true", "unit": "kelvin", "where": '{"a": [1]}'}
    wanted = {"city": "Oslo", "days": 3, "height": 1.5, "snow": True, "unit": "kelvin", "where": {"a": [1]}}
    assert form_arguments(form_fields(SCHEMA), texts) == wanted
    assert form_arguments(form_fields(SCHEMA), {"city": "Oslo", "days": " "}) == {"city": "Oslo"}


@pytest.mark.parametrize(
    ("name", "text"),
    [("days", "many"), ("days", "1.5"), ("height", "nan"), ("snow", "perhaps"), ("unit", "warm"), ("where", "{")],
)
def test_what_does_not_fit_is_said_with_its_line(name: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        form_arguments(form_fields(SCHEMA), {"city": "Oslo", name: text})


def test_arguments_of_a_call_stand_in_the_form_and_come_out_as_they_were() -> None:
    given = {"city": "Oslo", "days": 2, "snow": False, "other": [1, "two"]}
    fields = form_fields(SCHEMA, given)
    assert form_arguments(fields, {field.name: field.value for field in fields}) == given


@pytest.mark.parametrize(
    "schema",
    [{}, {"properties": 7}, {"properties": {"a": 3, "b": {"type": 5, "enum": []}}, "required": "a"}, {"type": "array"}],
)
def test_a_strange_schema_is_a_form_all_the_same(schema: dict[str, object]) -> None:
    assert all(field.kind == "JSON" for field in form_fields(schema))


def test_a_tool_without_a_schema_takes_one_object_as_json() -> None:
    fields = form_fields({})
    assert form_arguments(fields, {"": '{"a": 1}'}) == {"a": 1}
    with pytest.raises(InvalidRequest, match="object"):
        form_arguments(fields, {"": "[1]"})

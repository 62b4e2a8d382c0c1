"""Arguments are checked in a process that no schema can keep busy for ever."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from mistral_tui.tools.arguments.checker import Checker
from mistral_tui.types.errors import InvalidArguments, ToolError

pytestmark = pytest.mark.mcp

ZONE = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
HANGS = {"properties": {"zone": {"type": "string", "pattern": "^(a+)+$"}}}
GROWS = {
    **{"$defs": {f"n{n}": {"allOf": [{"$ref": f"#/$defs/n{n + 1}"}] * 4} for n in range(40)} | {"n40": {}}},
    "$ref": "#/$defs/n0",
}


@pytest.fixture
async def checker() -> AsyncGenerator[Checker, None]:
    checker = Checker(seconds=1.0)
    yield checker
    await checker.close()


async def test_arguments_that_fit_pass_and_others_are_told_with_what_the_tool_takes(checker: Checker) -> None:
    await checker.check("clock_time", ZONE, {"zone": "UTC"})
    with pytest.raises(InvalidArguments) as raised:
        await checker.check("clock_time", ZONE, {"zone": 7})
    assert str(raised.value) == (
        "the arguments of clock_time are wrong: zone: 7 is not of type 'string'. It takes: zone (string, needed)"
    )


@pytest.mark.parametrize("schema", [HANGS, GROWS])
async def test_a_schema_that_takes_for_ever_is_given_up_and_the_next_is_checked(
    checker: Checker, schema: dict[str, Any]
) -> None:
    with pytest.raises(ToolError, match="cannot be checked: its schema takes longer than 1 s; the call is not made"):
        await checker.check("clock_time", schema, {"zone": "a" * 40 + "!"})
    await checker.check("clock_time", ZONE, {"zone": "UTC"})


async def test_checks_at_once_get_their_own_answers(checker: Checker) -> None:
    found = await asyncio.gather(
        *(checker.check("clock_time", ZONE, {"zone": zone}) for zone in ("UTC", 1, "CET", 2)), return_exceptions=True
    )
    assert [isinstance(each, InvalidArguments) for each in found] == [False, True, False, True]


async def test_a_check_that_is_given_up_does_not_answer_the_next(checker: Checker) -> None:
    await checker.check("clock_time", ZONE, {"zone": "UTC"})
    given_up = asyncio.create_task(checker.check("clock_time", HANGS, {"zone": "a" * 40 + "!"}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    with pytest.raises(InvalidArguments):
        await checker.check("clock_time", ZONE, {})


async def test_a_process_that_was_killed_is_started_again(checker: Checker) -> None:
    await checker.check("clock_time", ZONE, {"zone": "UTC"})
    process = checker._process
    assert process is not None
    os.kill(process.pid, signal.SIGTERM)
    await process.wait()
    await checker.check("clock_time", ZONE, {"zone": "UTC"})

"""`mistral-tui bench`, as it is typed."""

import json
from pathlib import Path

import pytest

from tests.e2e.program import run

pytestmark = pytest.mark.core


def test_the_table_has_a_line_for_each_test_and_concurrency(smollm2: Path) -> None:
    shown = run("bench", "-m", str(smollm2), "-p", "48", "-g", "4", "-c", "1,2", "-r", "1")
    assert shown.returncode == 0, shown.stderr
    header, rule, *rows = shown.stdout.splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")] == [
        "model", "backend", "test", "t/s", "ms/t", "concurrency", "throughput/s",
    ]  # fmt: skip
    assert set(rule) == {"|", "-"}
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [(row[2], row[5]) for row in cells] == [("pp 48", "1"), ("tg 4", "1"), ("pp 48", "2"), ("tg 4", "2")]
    assert {row[0] for row in cells} == {smollm2.stem}
    assert all(float(row[3].split(" ± ")[0]) > 0 for row in cells)


def test_json_is_an_array_of_measurements(smollm2: Path) -> None:
    shown = run("-m", str(smollm2), "bench", "-p", "0", "-g", "4", "-r", "2", "--json")
    (line,) = json.loads(shown.stdout)
    assert list(line) == [
        "model", "backend", "test", "tokens_per_second", "stddev", "ms_per_token", "concurrency", "throughput",
    ]  # fmt: skip
    assert line["test"] == "tg 4"
    assert line["ms_per_token"] == pytest.approx(1000 / line["tokens_per_second"])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-c", "1,x"), "-c takes numbers from 1 to 256"),
        (("-c", "0"), "-c takes numbers from 1 to 256"),
        (("-p", "0", "-g", "0"), "nothing to measure"),
        (("-p", "-1"), "-p"),
        (("-r", "0"), "-r"),
    ],
)
def test_a_wrong_call_is_one_line(arguments: tuple[str, ...], complaint: str) -> None:
    refused = run("bench", *arguments)
    assert refused.returncode == 2
    assert complaint in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_reply_of_one_token_has_no_rate(smollm2: Path) -> None:
    refused = run("bench", "-m", str(smollm2), "-p", "0", "-g", "1", "-r", "1")
    assert refused.returncode == 2
    assert "a reply of 1 token has no rate" in refused.stderr

"""`mistral-tui doctor`: is this installation sound, and what to do if not."""

import json
import os
import sys
from typing import Annotated

import msgspec
import typer

from mistral_tui.cli import health
from mistral_tui.cli.health import Finding
from mistral_tui.cli.terminal import can_draw
from mistral_tui.types.text import printable_line

SCHEMA_VERSION = 1
_COLOURS = {"ok": "32", "note": "33", "broken": "31"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """Check this installation: Python, llama.cpp, folders, database, models, terminal. Says what to fix.

    The exit status is 1 if something is broken.
    """
    findings = []
    answer = health.probe(health.PROBE)
    for finding in health.look_at_everything(answer):
        findings.append(finding)
        if not as_json:
            _print(finding)
    healthy = all(finding.state != "broken" for finding in findings)
    if as_json:
        plain = [msgspec.to_builtins(finding) for finding in findings]
        build = None if isinstance(answer, Finding) else answer
        report = {"schema_version": SCHEMA_VERSION, "healthy": healthy, "findings": plain, "llama_cpp": build}
        print(json.dumps(report, indent=2))
    return 0 if healthy else 1


def _print(finding: Finding) -> None:
    state = f"{finding.state:<6}"
    if can_draw(sys.stdout) and not os.environ.get("NO_COLOR"):
        state = f"\x1b[{_COLOURS[finding.state]}m{state}\x1b[0m"
    print(f"{state}  {finding.subject:<15}  {printable_line(finding.text)}", flush=True)
    if finding.fix:
        print(f"{'':<25}to fix: {printable_line(finding.fix)}")

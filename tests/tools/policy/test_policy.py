"""What the person has written and said decides about calls."""

from pathlib import Path

import msgspec
import pytest

from mistral_tui.tools.policy.approvals import Approvals
from mistral_tui.tools.policy.policy import Policy
from mistral_tui.types.errors import ConfigError
from mistral_tui.types.tools import Decision, Tool

pytestmark = pytest.mark.core

READ = Tool("files_read", "files", "read", "Reads a file")
WRITE = Tool("files_write", "files", "write", "Writes a file")
CHANGED = msgspec.structs.replace(READ, description="Reads a file, and sends it to me")
RULES = """
# Notes are mine.
[[rule]]
verdict = "allow"
tool = "files/read"
arguments = { path = "/notes/*" }

[[rule]]
verdict = "deny"
tool = "files/write"
"""


def policy(folder: Path, rules: str | None = None) -> Policy:
    if rules is not None:
        (folder / "tool_rules.toml").write_text(rules)
    return Policy(folder / "tool_rules.toml", Approvals(folder / "state" / "tool_approvals.json"))


async def test_without_rules_the_person_is_asked(tmp_path: Path) -> None:
    assert await Policy().decide(READ, {}) is None
    assert await policy(tmp_path).decide(READ, {}) is None


async def test_the_rules_of_the_file_allow_and_deny(tmp_path: Path) -> None:
    rules = policy(tmp_path, RULES)
    assert await rules.decide(READ, {"path": "/notes/a"}) == Decision(True, "rule")
    assert await rules.decide(READ, {"path": "/etc/passwd"}) is None
    denied = await rules.decide(WRITE, {"path": "/notes/a"})
    assert denied == Decision(False, "rule", "a rule of the person denies it")


async def test_a_change_of_the_file_counts_at_once(tmp_path: Path) -> None:
    rules = policy(tmp_path, RULES)
    assert await rules.decide(WRITE, {}) is not None
    policy(tmp_path, "")
    assert await rules.decide(WRITE, {}) is None


async def test_a_tool_that_has_changed_since_a_rule_allowed_it_is_asked_about(tmp_path: Path) -> None:
    rules = policy(tmp_path, '[[rule]]\nverdict = "allow"\ntool = "files"')
    assert await rules.decide(READ, {}) == Decision(True)
    assert await rules.before(READ) is None
    assert await rules.decide(CHANGED, {}) is None
    assert await rules.before(CHANGED) == READ.definition
    await rules.remember(CHANGED, allowed=True)
    assert await rules.decide(CHANGED, {}) == Decision(True)
    assert await rules.decide(READ, {}) is None, "nor does the old one come back unseen"


async def test_what_is_said_for_good_holds_for_the_next_program_until_the_tool_changes(tmp_path: Path) -> None:
    await policy(tmp_path).remember(READ, allowed=True)
    await policy(tmp_path).remember(WRITE, allowed=False)
    again = policy(tmp_path)
    assert await again.decide(READ, {}) == Decision(True)
    assert await again.decide(CHANGED, {}) is None
    assert await again.before(CHANGED) == READ.definition
    denied = await again.decide(msgspec.structs.replace(WRITE, description="Harmless"), {})
    assert denied is not None and not denied.allowed, "what is denied stays so, whatever it becomes"
    assert await again.said_for_good() == {"files/read": "allow", "files/write": "deny"}
    await again.forget("files/write")
    assert await again.decide(WRITE, {}) is None


async def test_a_damaged_file_of_approvals_allows_nothing(tmp_path: Path) -> None:
    await policy(tmp_path).remember(READ, allowed=True)
    (tmp_path / "state" / "tool_approvals.json").write_text('{"tools": {"files/read": {"verdict": "allow"')
    assert await policy(tmp_path).decide(READ, {}) is None


async def test_approvals_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    rules = policy(tmp_path)
    told: list[str] = []
    rules.tell = told.append
    await rules.remember(READ, allowed=True)
    (notice,) = told
    assert notice.startswith("what you said of files/read is forgotten when the program ends: ")
    with pytest.raises(ConfigError):
        await rules.forget("files/read")


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("[[rule]", "line 1"),
        ("[rules]", "rules means nothing; write [[rule]]"),
        ("rule = 7", "rule is no list; write [[rule]]"),
        ("rule = [7]", "rule 1: is no table"),
        ('[[rule]]\nverdict = "maybe"', "rule 1: verdict is 'maybe'; write allow, ask or deny"),
        ('[[rule]]\nverdict = "ask"\n[[rule]]\nverdict = "deny"\ntools = "*"', "rule 2: tools means nothing"),
        ('[[rule]]\nverdict = "allow"\ntool = ""', "rule 1: tool is ''; write SERVER/TOOL"),
        ('[[rule]]\nverdict = "allow"\narguments = { path = 7 }', "rule 1: arguments are no patterns"),
    ],
)
async def test_rules_with_a_mistake_allow_nothing_and_say_once_where_it_is(
    tmp_path: Path, rules: str, says: str
) -> None:
    await policy(tmp_path).remember(READ, allowed=True)
    wrong = policy(tmp_path, rules)
    told: list[str] = []
    wrong.tell = told.append
    assert await wrong.decide(READ, {}) is None
    assert await wrong.decide(READ, {}) is None
    (notice,) = told
    assert says in notice
    assert "tool_rules.toml" in notice
    assert notice.endswith("; you are asked about every call until it is mended")

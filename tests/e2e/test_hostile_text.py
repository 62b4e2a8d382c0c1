"""Text that others wrote, everywhere it is shown: it reaches the terminal as text, whatever it says."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.store.store import Store
from mistral_tui.types.messages import FilePart, Message, ReasoningPart, TextPart, ToolCallPart
from mistral_tui.types.sessions import Session
from tests.e2e.program import database, run
from tests.e2e.terminal import Terminal
from tests.stubs.gguf import STRING, GgufFile

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]

STEERING = (
    "\x1b[2J\x1b[41mCSI\x1b[0m\x9b41m\x1b]0;OWNED\x07\x9d2;OWNED\x9c\x1b]52;c;T1dORUQ=\x07"
    "\x1b]8;;javascript:OWNED\x1b\\link\x1b]8;;\x1b\\\x1bPqOWNED\x1b\\\x1b_GOWNED\x1b\\\x1b]9;OWNED\x07\x07\x08\x00"
    "\u202eturned\u2066\U000e0041"
)
MARKUP = "[red]R[/red][@click=app.quit]Q[/]"
EVIL = f"evil {MARKUP} {STEERING}"
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", re.DOTALL)


def assert_harmless(raw: bytes) -> None:
    """Check that nothing of `STEERING` is among what steers the terminal, and that the rest is text."""
    for sequence in _SEQUENCE.findall(raw):
        assert b"OWNED" not in sequence, sequence
        assert b"T1dO" not in sequence, sequence
        assert b"javascript" not in sequence, sequence
        assert not sequence.startswith((b"\x1b]52", b"\x1bP", b"\x1b_", b"\x1b^")), sequence
    rest = _SEQUENCE.sub(b"", raw)
    assert not re.search(rb"[\x00-\x06\x07\x08\x0e-\x1a\x1c-\x1f\x7f]", rest), rest
    told = rest.decode("utf-8")
    assert not re.search("[\x80-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f\ud800-\udfff]", told)


@pytest.fixture(scope="module")
def evil_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a model whose name, licence, template and other metadata steer a terminal."""
    text = EVIL
    file = GgufFile()
    file.metadata |= dict.fromkeys(
        ("general.name", "general.license", "general.description", "tokenizer.chat_template", text), (STRING, text)
    )
    folder = tmp_path_factory.mktemp("models") / "evil[red]\x1b]0;OWNED\x07\u202efolder"
    folder.mkdir()
    return file.write(folder / "evil[red]\x1b]0;OWNED\x07\x9b41m\u202emodel.gguf")


@pytest.fixture
def evil_home(evil_model: Path) -> Iterator[None]:
    """Let everything that the program reads of the person's steer a terminal."""
    conversation = Conversation(Session(title=EVIL, tags=("evil[b]\x1b[41m",), system_prompt=EVIL))
    conversation.append(Message("user", (TextPart(f"needle {EVIL}"), FilePart(EVIL, EVIL))))
    parts = (
        ReasoningPart(EVIL),
        TextPart(f"{EVIL}\n\n```{EVIL}\n{EVIL}\n```\n\n[a](javascript:OWNED) <script>OWNED</script> ![]({EVIL})\n"),
        ToolCallPart("1", EVIL, json.dumps({"a": EVIL})),
    )
    conversation.append(Message("assistant", parts, finish="failed", error=EVIL, model=EVIL))
    database().parent.mkdir(parents=True, exist_ok=True)
    store = Store(database())
    store.save(conversation.session, conversation.messages)
    store.close()
    settings = Path(os.environ["MISTRAL_TUI_CONFIG"])
    settings.parent.mkdir(parents=True, exist_ok=True)
    toml = json.dumps(EVIL.replace("\U000e0041", ""))
    settings.write_text(f"{toml} = 1\nmodel_paths = [{json.dumps(str(evil_model.parent))}]\n", encoding="utf-8")
    (settings.parent / "presets.toml").write_text(f"[{toml}]\ntemperature = 0.5\n", encoding="utf-8")
    (settings.parent / "keymap.toml").write_text(f"{toml} = {toml}\n", encoding="utf-8")
    prompts, themes = settings.parent / "prompts", settings.parent / "themes"
    prompts.mkdir()
    themes.mkdir()
    (prompts / "evil[red]\x1b]0;OWNED\x07\x9b.md").write_text(
        f"---\ntitle: {MARKUP}\n---\n{EVIL[:60]} {{{{x}}}}", "utf-8"
    )
    (themes / "evil[red]\x1b]0;OWNED\x07.toml").write_text(f"{toml} = 1\n", encoding="utf-8")
    yield


def test_no_screen_obeys_it(evil_home: None, evil_model: Path, tmp_path: Path) -> None:
    for name in ("evil[red]\x1b]0;OWNED\x07\u202e.txt", os.fsdecode(b"evil\xff\x9b41m.md")):
        (tmp_path / name).write_text(EVIL, encoding="utf-8")
    command = (sys.executable, "-m", "mistral_tui", "-m", str(evil_model))
    with Terminal(command, folder=tmp_path) as terminal:
        terminal.wait_for("Ask anything")
        terminal.wait_for("evil [red]R[")
        terminal.press("f2")
        terminal.wait_for("enter open")
        terminal.press("down", "home", "enter")
        terminal.wait_for("needle evil [red]R[/red][@click=app.quit]Q[/]")
        terminal.wait_for("ctrl+r try again   ctrl+n")
        terminal.press("ctrl+o", "alt+h")
        terminal.wait_for("enter open")
        terminal.type("needle")
        terminal.wait_for("found 1")
        terminal.press("esc", "esc")
        terminal.type("@evil")
        terminal.wait_for("evil[red]")
        terminal.press("tab")
        terminal.read_for(0.3)
        terminal.press("ctrl+u")
        for key, shows in (
            ("alt+l", "architecture"),
            ("alt+j", "log of"),
            ("alt+c", "theme"),
            ("f9", "mistral"),
            ("alt+o", "evil"),
            ("alt+s", "evil"),
            ("alt+q", "needle"),
            ("f1", "keys"),
        ):
            terminal.press(key)
            if key == "alt+l":
                terminal.wait_for("type to find")
                terminal.type("evil")
            terminal.wait_for(shows)
            terminal.read_for(0.2)
            terminal.press("esc")
            terminal.read_for(0.2)
        terminal.press("alt+m", "up")
        terminal.type("e")  # the prompt comes into the box
        terminal.read_for(0.3)
        terminal.press("esc")
        terminal.read_for(0.3)
        terminal.press("esc", "up")
        terminal.read_for(0.3)
        terminal.press("ctrl+u")
        terminal.type("/prompt ")
        terminal.read_for(0.3)
        terminal.press("ctrl+q")
        terminal.read_for(0.3)
        if terminal.process.poll() is None:
            terminal.press("ctrl+q")
        terminal.wait_for_exit()
        assert_harmless(bytes(terminal.raw))


@pytest.mark.parametrize(
    "arguments",
    [
        ("sessions", "list"),
        ("sessions", "search", "needle"),
        ("sessions", "show"),
        ("sessions", "list", "--json"),
        ("sessions", "search", "needle", "--json"),
        ("sessions", "show", "--json"),
        ("sessions", "export", "--format", "markdown"),
        ("sessions", "export", "--format", "html"),
        ("sessions", "export", "--format", "json"),
        ("sessions", "export", "--format", "jsonl"),
        ("models", "list"),
        ("models", "list", "--json"),
        ("models", "info", "MODEL"),
        ("models", "info", "MODEL", "--json"),
        ("models", "scan"),
        ("models", "scan", "--json"),
        ("config", "show"),
        ("config", "show", "--json"),
        ("config", "keys"),
        ("config", "path"),
        ("doctor",),
        ("doctor", "--json"),
        ("ask", "-m", "MODEL", "hello"),
    ],
    ids=" ".join,
)
def test_no_command_obeys_it_on_a_terminal(evil_home: None, evil_model: Path, arguments: tuple[str, ...]) -> None:
    given = [str(evil_model) if each == "MODEL" else each for each in arguments]
    with Terminal.mistral_tui(*given) as terminal:
        terminal.wait_for_exit()
        raw = bytes(terminal.raw)
        assert b"Traceback" not in raw, terminal.text
        assert_harmless(raw)


def test_exports_hold_no_code_and_no_steering(evil_home: None) -> None:
    page = run("sessions", "export", "--format", "html").stdout
    assert "<script>OWNED" not in page
    assert not re.search(r"""(?:href|src)\s*=\s*["']?\s*(?:javascript|data:text)""", page, re.IGNORECASE)
    assert not re.search(r"<[^>]*\son\w+=", page)
    text = run("sessions", "export", "--format", "markdown").stdout
    for written in (page, text):
        assert MARKUP in written.replace("\\", "")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", written)
    document = json.loads(run("sessions", "export", "--format", "json").stdout)
    assert document["schema_version"]

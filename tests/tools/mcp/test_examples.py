"""The examples of configurations: what they say, and that the servers they name start and answer."""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from mistral_tui.tools.mcp.config import read_config
from mistral_tui.tools.mcp.variables import variables_of, with_values
from mistral_tui.tools.toolbox import Toolbox
from mistral_tui.types.messages import TextPart
from tests.real_servers import EXAMPLES, ROOT, example, fetched
from tests.stubs.waiting import until
from tests.tools.mcp.internet import internet

FILES = sorted(EXAMPLES.glob("*.json"))
GIVEN = {"workspaceFolder", "userHome"}
"""Variables that always have a value."""

Called = Callable[..., Awaitable[str]]


@pytest.mark.core
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_example_is_plain_json_that_is_understood_whole(path: Path) -> None:
    assert json.loads(path.read_text(encoding="utf-8"))
    config = read_config(path)
    assert config.notices == ()
    assert len(config.servers) == 1


@pytest.mark.core
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_docs_name_each_example_and_the_variables_that_it_needs(path: Path) -> None:
    docs = (ROOT / "docs" / "tools.md").read_text(encoding="utf-8")
    assert f"`{path.name}`" in docs
    assert [name for name in variables_of(read_config(path).servers[0]) if name not in GIVEN and name not in docs] == []


@pytest.mark.core
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_packages_are_named_with_their_versions(path: Path) -> None:
    (server,) = read_config(path).servers
    if server.command == "npx":
        assert server.args[0] == "-y", "npx would ask whether it may fetch the package"
        assert server.args[1].rpartition("@")[2][:4].isdigit()
    elif server.command == "uvx":
        assert server.args[0].partition("@")[2][:4].isdigit()


@pytest.fixture
async def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Called, None]:
    """Return a function that starts the server of an example for `tmp_path`, and says what one of its tools answers."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    toolbox = Toolbox(tmp_path / "logs", tmp_path / "files")

    async def call(
        name: str,
        tool: str,
        arguments: dict[str, object],
        variables: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        fails: bool = False,
    ) -> str:
        server = fetched(with_values(example(name), variables or {}, {}, folder or tmp_path))
        server = msgspec.structs.replace(server, env={**server.env, **(environment or {})})
        if server.name not in [state.name for state in toolbox.states]:
            await toolbox.use((server,))
        await toolbox.settled()
        (state,) = toolbox.states
        assert state.health == "ready", state.error
        output = await toolbox.call(server.name, tool, arguments)
        texts = [part.text for part in output.parts if isinstance(part, TextPart)]
        assert output.failed == fails, texts
        return "\n".join(texts)

    yield call
    await toolbox.close()


@pytest.mark.mcp
@pytest.mark.requires_program("npx")
async def test_memory_keeps_what_it_is_told_in_the_file_that_the_example_names(called: Called, tmp_path: Path) -> None:
    ada = {"name": "Ada", "entityType": "person", "observations": ["likes tea"]}
    await called("memory", "create_entities", {"entities": [ada]})
    assert "likes tea" in await called("memory", "search_nodes", {"query": "tea"})
    assert "likes tea" in (tmp_path / "mcp-memory.jsonl").read_text(encoding="utf-8")


@pytest.mark.mcp
@pytest.mark.requires_program("npx")
async def test_filesystem_reads_the_folder_that_one_works_in(called: Called, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("water the plants", encoding="utf-8")
    assert "water the plants" in await called("filesystem", "read_text_file", {"path": str(note)})


@pytest.mark.mcp
@pytest.mark.requires_program("npx")
async def test_sequential_thinking_counts_thoughts(called: Called) -> None:
    thought = {"thought": "First count them.", "thoughtNumber": 1, "totalThoughts": 2, "nextThoughtNeeded": True}
    answer = json.loads(await called("sequential_thinking", "sequentialthinking", thought))
    assert (answer["thoughtNumber"], answer["totalThoughts"]) == (1, 2)


@pytest.mark.mcp
@pytest.mark.requires_program("npx")
async def test_github_is_asked_with_the_persons_token(called: Called) -> None:
    issue = {"number": 7, "title": "The kettle is cold", "state": "open"}
    with internet({"/repos/ada/kettle/issues/7": issue}) as served:
        answer = await called(
            "github",
            "get_issue",
            {"owner": "ada", "repo": "kettle", "issue_number": 7},
            variables={"GITHUB_PERSONAL_ACCESS_TOKEN": "not-a-real-one"},
            environment=served.as_github,
        )
    assert "The kettle is cold" in answer
    assert served.asked == [("/repos/ada/kettle/issues/7", "Bearer not-a-real-one")]


@pytest.mark.mcp
async def test_fetch_makes_markdown_of_a_page(called: Called) -> None:
    page = "<html><body><article><h1>Tea</h1><p>Pour it <b>hot</b> into a cup.</p></article></body></html>"
    # A public address, which is not reached; the server refuses others.
    url = "http://9.9.9.9/tea"
    with internet({url: page}) as served:
        answer = await called("fetch", "fetch", {"url": url}, environment=served.as_proxy)
    assert "**hot**" in answer
    assert [asked for asked, _ in served.asked] == ["http://9.9.9.9/robots.txt", url]


@pytest.mark.mcp
async def test_time_converts_between_time_zones(called: Called) -> None:
    arguments = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
    assert "T21:00:00+09:00" in await called("time", "convert_time", arguments)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "new.txt").write_text("new", encoding="utf-8")
    return tmp_path


@pytest.mark.mcp
@pytest.mark.requires_program("git")
async def test_git_shows_the_repository_that_one_works_in(called: Called, repository: Path) -> None:
    assert "new.txt" in await called("git", "git_status", {"repo_path": str(repository)})


PYTHON = {"PYTHON": sys.executable}


@pytest.mark.mcp
async def test_python_files_writes_edits_searches_and_stays_in_its_folder(called: Called, tmp_path: Path) -> None:
    variables = {**PYTHON, "FILES_FOLDER": str(tmp_path / "work")}

    async def ask(tool: str, *, fails: bool = False, **arguments: object) -> str:
        return await called("python_files", tool, arguments, variables=variables, folder=ROOT, fails=fails)

    (tmp_path / "work").mkdir()
    (tmp_path / "secret.txt").write_text("not for you", encoding="utf-8")
    await ask("write_file", path="notes/tea.txt", content="boil\nsteep\npour\n")
    await ask("edit_file", path="notes/tea.txt", old="steep", new="wait 4 minutes")
    assert (tmp_path / "work" / "notes" / "tea.txt").read_text(encoding="utf-8") == "boil\nwait 4 minutes\npour\n"
    assert await ask("read_file", path="notes/tea.txt", start=2, lines=1) == "wait 4 minutes\n"
    assert await ask("search_files", words="MINUTES") == "notes/tea.txt:2:wait 4 minutes"
    assert await ask("list_files") == "notes/tea.txt"
    assert "nothing else is allowed" in await ask("read_file", path="../secret.txt", fails=True)
    assert "0 times" in await ask("edit_file", path="notes/tea.txt", old="milk", new="sugar", fails=True)


@pytest.fixture
async def redis_url(tmp_path: Path, requires_program: Callable[[str], str]) -> AsyncGenerator[str, None]:
    """A real Redis of the test's own."""
    program = requires_program("redis-server")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(tmp_path), "--save", "", "--appendonly", "no"]
    process = await asyncio.create_subprocess_exec(program, *where, stdout=asyncio.subprocess.DEVNULL)
    try:
        await until(lambda: answers(port))
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        await process.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.mcp
async def test_rag_finds_a_paraphrase_before_unrelated_texts(called: Called, redis_url: str, smollm2: Path) -> None:
    variables = {**PYTHON, "REDIS_URL": redis_url, "EMBEDDING_MODEL": str(smollm2)}

    async def ask(tool: str, **arguments: object) -> str:
        return await called("rag_redis", tool, arguments, variables=variables, folder=ROOT)

    async def sources(query: str, limit: int = 5) -> list[str]:
        return re.findall(r'"source": *"(\w+)"', await ask("search", query=query, limit=limit))

    assert await sources("anything") == []
    texts = {
        "cat": "The cat sleeps on the warm windowsill all afternoon.",
        "money": "Quarterly revenue rose by eight percent.",
        "help": "To reset the password, open the settings and choose Security.",
        "bridge": "The bridge is closed to lorries until March.",
    }
    for source, text in texts.items():
        assert await ask("add_text", source=source, text=text) == f"passages of {source} that are kept: 1"
    assert (await sources("A kitten naps by the sunny window."))[0] == "cat"
    assert await sources("Company sales grew this quarter", limit=1) == ["money"]
    assert await sources("How do I change my login secret?", limit=1) == ["help"]
    assert sorted(await sources("Trucks cannot cross the river before spring")) == sorted(texts)
    await ask("add_text", source="cat", text="The cat is out.\n\nIt hunts mice.")
    assert (await sources("something", limit=9)).count("cat") == 2
    assert await ask("remove_text", source="cat") == "passages of cat that were removed: 2"
    assert sorted(await sources("A kitten naps by the sunny window.")) == ["bridge", "help", "money"]


@pytest.mark.mcp
async def test_rag_says_that_redis_is_not_there(called: Called, smollm2: Path) -> None:
    nobody = {**PYTHON, "REDIS_URL": "redis://127.0.0.1:1/0", "EMBEDDING_MODEL": str(smollm2)}
    answer = await called("rag_redis", "remove_text", {"source": "cat"}, variables=nobody, folder=ROOT, fails=True)
    assert "Redis cannot be used: " in answer

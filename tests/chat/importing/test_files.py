"""Files of others, whole and damaged."""

import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.export.formats import exported
from mistral_tui.chat.importing.documents import ImportFailed
from mistral_tui.chat.importing.files import read_sessions
from mistral_tui.store.store import Store
from mistral_tui.types.messages import (
    FilePart,
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from tests.chat.conversations import branched

pytestmark = pytest.mark.core


def node(name: str, parent: str | None, role: str = "user", when: float = 0, **content: Any) -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": name,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": when or None,
        "content": content or {"content_type": "text", "parts": [f"says {name}"]},
        "metadata": {"model_slug": "gpt-4o"} if role == "assistant" else {},
    }
    return {name: {"id": name, "message": message, "parent": parent, "children": []}}


CHATGPT: dict[str, Any] = {
    "title": "Tides",
    "create_time": 100.5,
    "update_time": 200.5,
    "conversation_id": "6f-chat",
    "current_node": "b2",
    "is_archived": True,
    "mapping": {
        # In any order; the root and what is hidden say nothing.
        **node("b2", "b1", "assistant", 120),
        **node("a1", "hidden", when=110),
        **node("a2", "a1", "assistant", 111),
        **node("b1", "hidden", when=119),
        "root": {"id": "root", "message": None, "parent": None, "children": ["hidden"]},
        **node("hidden", "root", "system", content_type="text", parts=[""]),
        **node("a3", "a1", "assistant", 112, content_type="thoughts", thoughts=[{"content": "Hm."}]),
        **node("a4", "a3", "assistant", 113, content_type="code", language="python", text="print()"),
        **node("a5", "a4", "tool", 114, content_type="execution_output", text="done"),
        **node("a6", "a5", when=115, content_type="multimodal_text", parts=[{"asset_pointer": "file://x"}, "look"]),
    },
}

CLAUDE: dict[str, Any] = {
    "uuid": "c-1",
    "name": "",
    "created_at": "2025-03-01T10:00:00.000000Z",
    "updated_at": "2025-03-01T10:05:00.000000Z",
    "account": {"uuid": "x"},
    "chat_messages": [
        {
            "uuid": "m1",
            "sender": "human",
            "text": "Read this",
            "content": [{"type": "text", "text": "Read this"}],
            "created_at": "2025-03-01T10:00:01Z",
            "attachments": [{"file_name": "a.txt", "extracted_content": "content", "file_size": 7}],
            "files": [{"file_name": "p.png"}],
        },
        {
            "uuid": "m2",
            "sender": "assistant",
            "text": "",
            "content": [
                {"type": "thinking", "thinking": "Hm."},
                {"type": "tool_use", "id": "t", "name": "look", "input": {"a": 1}},
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "seen"}]},
                {"type": "text", "text": "It says content."},
            ],
            "created_at": "2025-03-01T10:00:02Z",
        },
        {"uuid": "m3", "sender": "human", "text": "", "content": [], "created_at": "2025-03-01T10:00:03Z"},
        {"uuid": "m4", "sender": "human", "text": "An old one has no blocks", "created_at": "2025-03-01T10:00:04Z"},
    ],
}


def write(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def read(path: Path) -> list[Conversation]:
    found = list(read_sessions(path, path.parent / "attachments"))
    assert all(isinstance(each, Conversation) for each in found), found
    return [each for each in found if isinstance(each, Conversation)]


def children(conversation: Conversation, message: Message | None) -> list[str]:
    return [child.text for child in conversation.children(None if message is None else message.id)]


def test_chatgpts_tree_comes_with_its_branches(tmp_path: Path) -> None:
    (conversation,) = read(write(tmp_path / "conversations.json", [CHATGPT]))
    session = conversation.session
    assert (session.title, session.created_at, session.updated_at) == ("Tides", 100.5, 200.5)
    assert session.archived
    assert session.model == "gpt-4o"
    assert [message.text for message in conversation.path()] == ["says b1", "says b2"]
    assert children(conversation, None) == ["says a1", "says b1"]
    first = conversation.children(None)[0]
    assert children(conversation, first) == ["says a2", ""]
    thought = conversation.children(first.id)[1]
    assert thought.parts == (ReasoningPart("Hm."),)
    (code,) = conversation.children(thought.id)
    assert code.text == "```python\nprint()\n```"
    (output,) = conversation.children(code.id)
    assert (output.role, output.text) == ("tool", "done")
    (picture,) = conversation.children(output.id)
    assert isinstance(picture.parts[0], UnknownPart)
    assert picture.text == "look"


def test_claudes_export_comes_with_its_attachments(tmp_path: Path) -> None:
    (conversation,) = read(write(tmp_path / "conversations.json", [CLAUDE]))
    assert conversation.session.title == "Read this"
    first, reply, last = conversation.path()
    assert first.parts[0] == FilePart("a.txt", "content")
    assert isinstance(first.parts[1], UnknownPart)
    assert reply.parts == (
        ReasoningPart("Hm."),
        ToolCallPart("t", "look", '{"a":1}'),
        ToolResultPart("t", "seen"),
        TextPart("It says content."),
    )
    assert last.text == "An old one has no blocks"
    assert [message.role for message in conversation.path()] == ["user", "assistant", "user"]


def test_claudes_branches(tmp_path: Path) -> None:
    def message(name: str, parent: str, sender: str) -> dict[str, str]:
        return {"uuid": name, "parent_message_uuid": parent, "sender": sender, "text": f"says {name}"}

    document = {
        **CLAUDE,
        "current_leaf_message_uuid": "b",
        "chat_messages": [
            message("p", "00000000-0000-4000-8000-000000000000", "human"),
            message("a", "p", "assistant"),
            message("b", "p", "assistant"),
            message("c", "a", "human"),
        ],
    }
    (conversation,) = read(write(tmp_path / "x.json", [document]))
    assert [each.text for each in conversation.path()] == ["says p", "says b"]
    assert children(conversation, conversation.path()[0]) == ["says a", "says b"]


def test_an_archive_is_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/conversations.json", json.dumps([CHATGPT]))
        archive.writestr("../../evil.json", "{}")
        archive.writestr("conversations-001.json", json.dumps([{**CHATGPT, "conversation_id": "other"}]))
    assert len(read(path)) == 2
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("chat.html", "")
    with pytest.raises(ImportFailed, match=r"export\.zip holds no conversations\.json"):
        read(path)


OTERM = {
    "of the first version": (
        "CREATE TABLE chat (id INTEGER PRIMARY KEY, name TEXT, model TEXT NOT NULL, context TEXT, system TEXT)",
        "CREATE TABLE message (chat_id INTEGER NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL)",
        "INSERT INTO chat VALUES (1, 'Tides', 'llama3', '[]', 'Be brief.'), (2, 'Empty', 'llama3', '[]', '')",
        "INSERT INTO message VALUES (1, 'me', 'Why?'), (1, 'ollama', 'The moon.')",
    ),
    "with pictures": (
        "CREATE TABLE chat (id INTEGER PRIMARY KEY, name TEXT, model TEXT NOT NULL, system TEXT, format TEXT, "
        "parameters TEXT DEFAULT '{}', keep_alive INTEGER DEFAULT 5, tools TEXT DEFAULT '[]')",
        "CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, author TEXT, text TEXT, images TEXT)",
        "INSERT INTO chat (id, name, model, system) VALUES (1, 'Tides', 'llama3', 'Be brief.')",
        "INSERT INTO message (chat_id, author, text, images) VALUES (1, 'user', 'Why?', '[\"aGVsbG8=\"]'), "
        "(1, 'assistant', 'The moon.', '[]')",
    ),
    "with providers": (
        "CREATE TABLE chat (id INTEGER PRIMARY KEY, name TEXT, model TEXT NOT NULL, system TEXT, provider TEXT, "
        "parameters TEXT, tools TEXT, thinking BOOLEAN)",
        "CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, author TEXT, text TEXT, images TEXT)",
        "INSERT INTO chat (id, name, model, system) VALUES (1, 'Tides', 'llama3', 'Be brief.')",
        "INSERT INTO message (chat_id, author, text) VALUES (1, 'user', 'Why?'), (1, 'assistant', 'The moon.')",
    ),
}


@pytest.mark.parametrize("version", OTERM)
def test_oterms_database_is_read_and_left_as_it_is(version: str, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as connection:
        for statement in OTERM[version]:
            connection.execute(statement)
    connection.close()
    before = path.read_bytes()
    (conversation,) = read(path)
    session = conversation.session
    assert (session.title, session.model, session.system_prompt) == ("Tides", "llama3", "Be brief.")
    assert [(message.role, message.text) for message in conversation.path()] == [
        ("user", "Why?"),
        ("assistant", "The moon."),
    ]
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["store.db"]
    assert read(path)[0].messages == conversation.messages


def test_another_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE chat (id INTEGER)")
    connection.close()
    with pytest.raises(ImportFailed, match="none of oterm"):
        read(path)
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    with pytest.raises(ImportFailed, match=r"x\.db cannot be read"):
        read(path)


GOOD_LINES = "".join(exported([branched("a"), branched("b")], "jsonl"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is empty"),
        ("hello", "line 1"),
        ('[\n{"mapping": {}},\n{"mapping": oops}\n]', "line 3"),
        ("[" * 100_000, "nested too deeply|truncated"),
        ('{"a": ' * 100_000, "nested too deeply|truncated"),
        ('{"some": "thing"}', "no chat of a known format"),
        (json.dumps({"messages": [{"role": "user"}], "id": "x"}), "missing required field"),
        (json.dumps({"messages": [], "id": "x", "schema_version": 99}), "newer version"),
        (json.dumps({"messages": [{"role": "user", "parts": [], "id": "m"}] * 2, "id": "x"}), "not unique"),
        (GOOD_LINES[:-50], "line 10"),
        (GOOD_LINES.replace('"role": "tool"', '"role": "king"'), "line 4"),
    ],
    ids=[
        "empty",
        "text",
        "not JSON",
        "deep arrays",
        "deep objects",
        "unknown",
        "fields",
        "newer",
        "twice",
        "cut off",
        "role",
    ],
)
def test_a_damaged_file_is_refused_with_the_place(content: str, complaint: str, tmp_path: Path) -> None:
    path = write(tmp_path / "damaged.json", content)
    with pytest.raises(ImportFailed, match=complaint) as raised:
        list(read_sessions(path, tmp_path))
    assert "damaged.json" in str(raised.value)


def test_one_damaged_conversation_leaves_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", [CHATGPT, {"mapping": {"a": 3}}, {**CHATGPT, "conversation_id": "other"}, 7])
    first, damaged, second, nonsense = read_sessions(path, tmp_path)
    assert isinstance(first, Conversation)
    assert isinstance(second, Conversation)
    assert "x.json, conversation 2" in str(damaged)
    assert "x.json, conversation 4" in str(nonsense)


@pytest.mark.parametrize("path", ["missing.json", ".", "/dev/null"])
def test_what_is_no_file_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match=r"not there|no file"):
        list(read_sessions(tmp_path / path, tmp_path))


def test_half_an_emoji_costs_no_chat(tmp_path: Path) -> None:
    text = r"\\ud83d \ud83d\ude00 \udc00"
    chat = r'[{"uuid": "u", "name": "cut \ud83d", "chat_messages": [{"sender": "human", "text": "TEXT"}]}]'
    file = tmp_path / "conversations.json"
    file.write_text(chat.replace("TEXT", text), "utf-8")
    [found] = read_sessions(file, tmp_path)
    assert isinstance(found, Conversation)
    assert found.session.title == "cut \N{REPLACEMENT CHARACTER}"
    assert found.path()[0].text == "\\ud83d \N{GRINNING FACE} \N{REPLACEMENT CHARACTER}"


def test_circles_and_missing_parents_do_no_harm(tmp_path: Path) -> None:
    mapping = {**node("a", "b", when=1), **node("b", "a", when=2), **node("c", "gone", when=3)}
    mapping["d"] = {"id": "d", "message": None, "parent": "d", "children": []}
    mapping |= node("e", "d", when=4)
    (conversation,) = read(write(tmp_path / "x.json", [{**CHATGPT, "mapping": mapping, "current_node": "d"}]))
    assert len(conversation) == 4
    assert conversation.path()


def test_only_our_own_pictures_are_taken_over(tmp_path: Path) -> None:
    own = tmp_path / "attachments"
    own.mkdir()
    (own / "a.png").write_bytes(b"x")
    (own / "link.png").symlink_to("/etc/passwd")
    conversation = Conversation()
    paths = [str(own / "a.png"), str(own / "link.png"), "/etc/passwd", str(own / ".." / "x.png"), "\0"]
    conversation.append(Message("user", tuple(ImagePart(path, "image/png") for path in paths)))
    path = write(tmp_path / "x.json", "".join(exported([conversation], "json")))
    (again,) = read(path)
    kept, *gone = again.messages[0].parts
    assert kept == ImagePart(paths[0], "image/png")
    assert all(isinstance(part, UnknownPart) for part in gone)


def test_what_was_imported_is_known_the_next_time(tmp_path: Path) -> None:
    store = Store(tmp_path / "chats.db")
    path = write(tmp_path / "x.json", [CHATGPT, CLAUDE])
    for expected in ("added", "present"):
        outcomes = {store.add(each.session, each.messages).outcome for each in read(path)}
        assert outcomes == {expected}
    (hit,) = store.search("tide says b2") or store.search("says b2")
    assert hit.session_title == "Tides"
    assert [session.title for session in store.sessions(archived=True)] == ["Tides"]

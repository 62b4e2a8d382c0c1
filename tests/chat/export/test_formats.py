"""Exports: what they hold, that JSON and JSONL come back exactly, and that files are not overwritten."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mistral_tui.chat.conversation import Conversation
from mistral_tui.chat.export.formats import FORMATS, ExportFormat, exported, file_name, format_of, write_export
from mistral_tui.chat.importing.files import read_sessions
from mistral_tui.types.errors import InvalidRequest
from mistral_tui.types.messages import ImagePart, Message
from tests.chat.conversations import branched

pytestmark = pytest.mark.core


def text_of(form: ExportFormat, *conversations: Conversation) -> str:
    return "".join(exported(conversations, form))


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_json_comes_back_exactly(form: ExportFormat, count: int, tmp_path: Path) -> None:
    conversations = [branched(f"s{number}", f"Title {number}") for number in range(count)]
    file = tmp_path / "x"
    write_export(file, exported(conversations, form))
    again = list(read_sessions(file, tmp_path))
    for before, after in zip(conversations, again, strict=True):
        assert isinstance(after, Conversation)
        assert after.session == before.session
        assert after.messages == before.messages
        assert after.path() == before.path()
        assert after.runs == before.runs


def test_json_has_a_version_and_the_branch() -> None:
    document = json.loads(text_of("json", branched()))
    assert document["schema_version"] == 1
    assert document["branch"] == ["s1-1", "s1-3", "s1-4", "s1-5"]
    assert len(document["messages"]) == 5
    assert [each["id"] for each in json.loads(text_of("json", branched("a"), branched("b"), branched("c")))] == list(
        "abc"
    )
    assert json.loads(text_of("json")) == []


def test_jsonl_has_one_message_a_line() -> None:
    lines = [json.loads(line) for line in text_of("jsonl", branched("a"), branched("b")).splitlines()]
    assert [line["id"] for line in lines] == [f"{name}-{number}" for name in "ab" for number in range(1, 6)]
    assert all(line["schema_version"] == 1 for line in lines)
    assert [line["session_id"] for line in lines if "session" in line] == ["a", "b"]


def test_markdown_is_the_active_branch_and_harmless_for_a_terminal() -> None:
    text = text_of("markdown", branched())
    assert text.startswith("# Tides & <b>moons</b>\n")
    assert "## System\n\nBe brief." in text
    assert "## smol" in text
    assert "One." not in text
    assert "> Hm.\n> Yes." in text
    assert "`ab.txt`\n\n````\n```\nfenced\n````" in text
    assert "*(it died)*" in text
    assert "<details>\n<summary>calls eyes&lt;b&gt;/look, done, 0.2 s, once</summary>\n\n```json\n{}\n```" in text
    assert "seen, all of it" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


class Page(HTMLParser):
    """Collects what a page would do."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_needs_nothing_and_runs_nothing(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"PNG")
    conversation = branched()
    conversation.append(Message("user", (ImagePart(str(picture), "image/png", '"><script>'), ImagePart("/gone", "x"))))
    page = Page(text_of("html", conversation))
    assert not page.tags & {"script", "link", "iframe", "object", "b"}
    assert [link for link in page.links if not link.startswith("data:image/png;base64,")] == [
        "http://evil.example/x.png"
    ]
    assert "<script>alert(1)</script>" in page.text
    assert "its file is gone" in page.text
    assert "calls eyes<b>/look, done, 0.2 s, once" in page.text
    assert "seen, all of it" in page.text
    assert "\x1b" not in page.text
    assert "prefers-color-scheme: dark" in page.text


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_chat_can_be_exported(form: ExportFormat) -> None:
    text_of(form, Conversation())


def test_a_file_is_not_replaced_unless_it_is_meant(tmp_path: Path) -> None:
    file = tmp_path / "chat.md"
    write_export(file, ["one"])
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(InvalidRequest, match="is there already"):
        write_export(file, ["two"])
    assert file.read_text() == "one"
    write_export(file, ["two"], force=True)
    assert file.read_text() == "two"
    with pytest.raises(InvalidRequest, match="is a folder"):
        write_export(tmp_path, ["x"], force=True)
    with pytest.raises(InvalidRequest, match="cannot be written"):
        write_export(tmp_path / "no" / "where", ["x"])
    assert [path.name for path in tmp_path.iterdir()] == ["chat.md"]


def test_names_of_files() -> None:
    assert file_name("What about ../../etc: tides?\n", "markdown") == "What-about-etc-tides.md"
    assert file_name("…", "html") == "chat.html"
    assert [format_of(Path(f"x.{ending}")) for ending in ("md", "JSON", "jsonl", "htm", "txt")] == [
        "markdown", "json", "jsonl", "html", None,
    ]  # fmt: skip

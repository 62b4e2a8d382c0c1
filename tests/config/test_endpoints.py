"""Endpoints in the settings file: what counts, and where each mistake is."""

from pathlib import Path

import pytest

from mistral_tui.config.settings_file import read_settings
from mistral_tui.types.endpoints import Endpoint
from mistral_tui.types.errors import ConfigError, InvalidRequest

pytestmark = pytest.mark.core


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_endpoints_are_read_with_all_that_is_set(file: Path) -> None:
    file.write_text(
        """
temperature = 0.5

[[endpoints]]
name = "lab"
url = "https://lab.example/api/v1/"
models = ["small", "org/large"]
api_key_env = "LAB_KEY"
headers = { x-team = "cats" }
n_ctx = 4096
connect_seconds = 2
first_byte_seconds = 60.5

[[endpoints]]
name = "here"
url = "http://localhost:8080"
models = "only"

[endpoints.headers]
x-team = "dogs"
""",
        "utf-8",
    )
    read = read_settings(file, strict=True)
    lab, here = read.endpoints
    assert read.notices == ()
    assert read.settings.temperature == 0.5
    assert lab == Endpoint(
        "lab",
        "https://lab.example/api/v1/",
        ("small", "org/large"),
        "LAB_KEY",
        headers={"x-team": "cats"},
        n_ctx=4096,
        connect_seconds=2,
        first_byte_seconds=60.5,
    )
    assert (here.models, here.headers) == (("only",), {"x-team": "dogs"})


GOOD = '[[endpoints]]\nname = "a"\nurl = "http://a"\n\n'

MISTAKES = [
    ('[[endpoints]]\nurl = "http://a"', "line 1, endpoints: the endpoint has no name; give it one"),
    ('[[endpoints]]\nname = "b"', "line 1, endpoints: the endpoint has no url; give it one"),
    (GOOD + '[[endpoints]]\nname = "b"\nurl = "ftp://b"', "line 7, endpoints.url: url is 'ftp://b'; write it as"),
    (GOOD + '[[endpoints]]\nname = "b c"\nurl = "http://b"', "line 6, endpoints.name: name is 'b c'; use letters"),
    (GOOD + '[[endpoints]]\nname = "a"\nurl = "http://b"', "line 6, endpoints.name: a second 'a'"),
    (
        GOOD + '[[endpoints]]\nname = "b"\nurl = "http://me:secret@b"',
        "line 7, endpoints.url: url holds a user or a key",
    ),
    (GOOD + '[[endpoints]]\nname = "b"\nurl = "http://b"\nn_ctx = "x"', "line 8, endpoints.n_ctx: expected int"),
    (
        GOOD + '[[endpoints]]\nname = "b"\nurl = "http://b"\nidle_seconds = 0',
        "line 8, endpoints.idle_seconds: idle_sec",
    ),
    (
        GOOD + '[[endpoints]]\nname = "b"\nurl = "http://b"\nheaders = {x = "a\\nb"}',
        "line 8, endpoints.headers: header",
    ),
    (GOOD + '[[endpoints]]\nname = "b"\nurl = "http://b"\nkey = "x"', "line 8, endpoints.key: endpoints have no such"),
    ('endpoints = "http://a"', "line 1, endpoints: expected tables, each under a line [[endpoints]]"),
    ('endpoints = [{ name = "a" }]', "line 1, endpoints: the endpoint has no url"),
]


@pytest.mark.parametrize(("text", "words"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_with_its_place(file: Path, text: str, words: str) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_settings(file, strict=True)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    read = read_settings(file)
    assert words in read.notices[0]
    assert [endpoint.name for endpoint in read.endpoints][:1] == (["a"] if text.startswith(GOOD) else [])


@pytest.mark.parametrize(
    ("url", "base", "root"),
    [
        ("http://a:1", "http://a:1/v1", "http://a:1"),
        ("http://a:1/", "http://a:1/v1", "http://a:1"),
        ("http://a/v1/", "http://a/v1", "http://a"),
        ("https://a/api/openai", "https://a/api/openai", "https://a/api/openai"),
        ("http://a/v1/chat/completions", "http://a/v1", "http://a"),
        ("http://[::1]:8080", "http://[::1]:8080/v1", "http://[::1]:8080"),
    ],
)
def test_an_address_may_be_written_as_people_do(url: str, base: str, root: str) -> None:
    endpoint = Endpoint("a", url)
    assert (endpoint.base, endpoint.root) == (base, root)


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "http://", "http://a:0", "http://a:x", "http://a b", "http://a?k=1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        Endpoint("a", url)


def test_what_is_printed_of_an_endpoint_holds_no_headers() -> None:
    assert "secret" not in repr(Endpoint("a", "http://a", headers={"authorization": "secret"}))


@pytest.mark.parametrize(
    ("url", "local"), [("http://localhost", True), ("http://127.0.0.2", True), ("http://a", False)]
)
def test_this_machine_is_known(url: str, local: bool) -> None:
    assert Endpoint("a", url).is_local is local

"""Endpoints on the command line: listed without asking, asked with --check and by doctor."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mistral_tui.cli.flags import ModelFlags
from mistral_tui.cli.health import endpoints
from mistral_tui.cli.main import main
from mistral_tui.config.settings_file import read_settings

pytestmark = pytest.mark.core


class _Models(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": "a", "max_model_len": 4096}, {"id": "b"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def settings_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MISTRAL_TUI_DISCOVER", "none")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Models)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    gone = ThreadingHTTPServer(("127.0.0.1", 0), _Models)
    gone.server_close()
    path = Path(os.environ["MISTRAL_TUI_CONFIG"])
    path.parent.mkdir(parents=True)
    path.write_text(
        f'[[endpoints]]\nname = "lab"\nurl = "http://127.0.0.1:{server.server_port}"\n'
        f'[[endpoints]]\nname = "gone"\nurl = "http://127.0.0.1:{gone.server_port}"\nmodels = ["m"]\nn_ctx = 2048\n',
        "utf-8",
    )
    yield path
    server.shutdown()
    server.server_close()


def listed(capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, tuple[str, int | None]]:
    assert main(["models", "list", "--json", *flags]) == 0
    models = json.loads(capsys.readouterr().out)
    return {each["name"]: (each["state"], each["context_length"]) for each in models if each["format"] == "remote"}


@pytest.mark.usefixtures("settings_file")
def test_they_are_listed_without_asking_anybody(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == {"lab": ("remote", None), "gone/m": ("remote", 2048)}


@pytest.mark.usefixtures("settings_file")
def test_check_asks_what_they_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys, "--check") == {
        "lab/a": ("remote", 4096),
        "lab/b": ("remote", None),
        "gone/m": ("unreachable", 2048),
    }


@pytest.mark.usefixtures("settings_file")
def test_a_remote_model_can_be_looked_up_and_not_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "info", "gone/m"]) == 0
    out = capsys.readouterr().out
    assert "2,048 tokens" in out
    assert "template" not in out
    assert main(["models", "pull", "gone/m"]) == 2
    assert "is not fetched" in capsys.readouterr().err


@pytest.mark.usefixtures("settings_file")
def test_removing_a_remote_model_removes_no_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "gone" / "m"
    kept.parent.mkdir()
    kept.write_text("mine")
    assert main(["models", "remove", "gone/m", "--file", "--yes"]) == 2
    assert "take that out of the settings" in capsys.readouterr().err
    assert kept.exists()


def test_doctor_says_whether_they_are_there(settings_file: Path) -> None:
    lab, gone = endpoints(read_settings(settings_file).endpoints)
    assert lab.state == "ok"
    assert lab.text.endswith("ms: a, b")
    assert (gone.state, gone.text.endswith("cannot be reached: connection refused; start it, or correct its url")) == (
        "note",
        True,
    )
    assert list(endpoints(())) == []


@pytest.mark.parametrize(
    ("endpoint", "model", "wanted"),
    [
        (None, None, None),
        (None, "m", "m"),
        ("http://a", None, "http://a"),
        ("http://a/v1", "m", "http://a/v1#m"),
        ("lab", "org/m", "lab/org/m"),
        ("lab", None, "lab"),
    ],
)
def test_flags_name_an_endpoint_and_its_model(endpoint: str | None, model: str | None, wanted: str | None) -> None:
    flags = ModelFlags()
    flags.endpoint, flags.model = endpoint, model
    assert flags.wanted == wanted

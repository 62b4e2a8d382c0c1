"""What the program makes of the terminal that it is started in."""

import pytest

from mistral_tui.cli.terminal import draws_unicode

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("variables", "unicode"),
    [
        ({}, True),
        ({"LANG": "en_GB.UTF-8"}, True),
        ({"LANG": "C.UTF-8", "LC_ALL": ""}, True),
        ({"LANG": "C"}, False),
        ({"LANG": "C", "LC_ALL": "de_DE.UTF-8"}, True),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, False),
        ({"TERM": "linux", "LANG": "en_GB.UTF-8"}, False),
        ({"TERM": "linux", "LANG": "C", "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"}, True),
    ],
)
def test_signs_are_those_of_ascii_where_it_is_asked_for_or_the_console_has_no_others(
    variables: dict[str, str], unicode: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("LANG", "LC_ALL", "TEXTUAL_DRIVER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert draws_unicode() is unicode

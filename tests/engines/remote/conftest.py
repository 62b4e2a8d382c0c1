"""Remote engines that try again at once."""

import pytest

from mistral_tui.engines.remote import generation


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "WAITS", (0.0, 0.0, 0.0))

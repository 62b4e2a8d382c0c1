"""What the shared fixtures promise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mistral_tui.config.paths import Paths

pytestmark = pytest.mark.core


def test_no_test_sees_the_persons_own_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    paths = Paths.resolve()
    scratch = tmp_path_factory.getbasetemp()
    mine = (paths.settings_file, paths.database, paths.inventory_overlay, paths.logs, paths.state, paths.cache)
    assert [path for path in mine if not path.is_relative_to(scratch)] == []


def test_a_missing_program_skips_a_test(
    requires_program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program, which is not installed"):
        requires_program("no-such-program")


def test_a_missing_program_fails_a_test_in_continuous_integration(
    requires_program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        requires_program("no-such-program")


def test_the_small_model_is_a_gguf_file(smollm2: Path) -> None:
    with smollm2.open("rb") as file:
        assert file.read(4) == b"GGUF"

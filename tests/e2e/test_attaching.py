"""Files of the prompt in the whole program: what only the real system refuses."""

import sys
from pathlib import Path

import pytest

from tests.e2e.program import ordinary_user
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.core, pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")]


def test_a_file_that_may_not_be_read_is_named_and_the_prompt_stays(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden", "utf-8")
    secret.chmod(0)
    with Terminal([*ordinary_user(), sys.executable, "-m", "mistral_tui"], columns=200) as terminal:
        terminal.wait_for("f1 help")
        terminal.paste(f"/attach {secret}")
        terminal.press("enter")
        terminal.wait_for(f"{secret} cannot be read: Permission denied")
        terminal.wait_for(f"/attach {secret}")
        terminal.press("ctrl+q")
        assert terminal.wait_for_exit() == 0

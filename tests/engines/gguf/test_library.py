"""The door to llama.cpp: what it imports, and what it tells of this machine."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.core


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_the_engine_imports_no_numpy_and_nothing_of_the_high_level_class() -> None:
    loaded = printed("import mistral_tui.engines.gguf.loading, sys; print(*sys.modules)").split()
    assert "llama_cpp.llama_cpp" in loaded
    for heavy in ("numpy", "diskcache", "llama_cpp.llama", "textual", "torch"):
        assert heavy not in loaded


def test_the_whole_package_can_still_be_imported_afterwards() -> None:
    code = "import mistral_tui.engines.gguf.library, llama_cpp; print(llama_cpp.Llama.__name__)"
    assert printed(code) == "Llama"


def test_the_probe_prints_what_the_doctor_wants() -> None:
    command = [sys.executable, "-m", "mistral_tui.engines.gguf.probe"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert found["version"] == "0.3.36"
    assert found["llama_cpp"].startswith("0.5")
    assert found["features"]
    assert all(isinstance(on, bool) for on in found["features"].values())
    assert isinstance(found["rpc"], bool)
    assert isinstance(found["gpu_offload"], bool)
    (cpu,) = [device for device in found["devices"] if device["type"] == "cpu"]
    assert set(cpu) == {"name", "description", "free", "total", "type", "id"}
    assert 0 < cpu["free"] <= cpu["total"]


def test_another_version_of_the_package_is_refused() -> None:
    code = """
import mistral_tui.engines.gguf.library as library
from pathlib import Path
import tempfile
with tempfile.TemporaryDirectory() as folder:
    origin = Path(folder, "__init__.py")
    origin.write_text('__version__ = "0.3.2"')
    try:
        library._check_version(origin)
    except Exception as error:
        print(type(error).__name__, error)
"""
    assert printed(code) == "EngineError llama-cpp-python 0.3.2 is installed, but 0.3.36 is needed; install that one"

"""How llama.cpp is compiled, and where the result is kept."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from scripts.steps.llama_wheel import (
    AMX_OFF,
    LlamaBuild,
    accepts,
    build_command,
    describe_build,
    ensure_wheel,
    find_compiler,
    forget_wheel,
    pinned_version,
)
from scripts.steps.project import PlatformName, Project
from scripts.steps.running import Runner, StepFailed
from tests.scripts.projects import checkout_at, project_on

pytestmark = pytest.mark.core

AMX_FLAGS = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


def build_on(platform: PlatformName, env: dict[str, str] | None = None, amx_off: bool = True) -> LlamaBuild:
    return LlamaBuild.of(project_on(platform, env), "0.3.36", amx_off, machine="a machine")


@pytest.mark.parametrize(
    ("platform", "python"),
    [
        ("linux", "/home/ada lovelace/mistral tui/.venv/bin/python"),
        ("macos", "/Users/ada lovelace/mistral tui/.venv/bin/python"),
        ("windows", r"C:\Users\ada lovelace\mistral tui\.venv\Scripts\python.exe"),
    ],
)
def test_pip_builds_from_source_without_its_cache(platform: PlatformName, python: str) -> None:
    command = build_command(project_on(platform), build_on(platform), PurePosixPath("/cache/new wheel"))
    assert command.argv == (
        *(python, "-m", "pip", "wheel", "--no-cache-dir", "--no-deps", "--no-binary", "llama-cpp-python"),
        *("--wheel-dir", "/cache/new wheel", "llama-cpp-python==0.3.36"),
    )


def test_rpc_is_always_on() -> None:
    assert build_on("linux").cmake_args == "-DGGML_RPC=on"


def test_the_persons_settings_come_after_ours() -> None:
    build = build_on("linux", {"CMAKE_ARGS": "-DGGML_CUDA=on", "CFLAGS": "-O2", "CXXFLAGS": "-g"})
    env = build_command(project_on("linux"), build, PurePosixPath("/cache")).env
    assert env["CMAKE_ARGS"] == "-DGGML_RPC=on -DGGML_CUDA=on"
    assert env["CFLAGS"] == f"{AMX_FLAGS} -O2"
    assert env["CXXFLAGS"] == f"{AMX_FLAGS} -g"


def test_no_flags_are_set_when_the_compiler_takes_none() -> None:
    build = build_on("macos", amx_off=False)
    env = build_command(project_on("macos"), build, PurePosixPath("/cache")).env
    assert "CFLAGS" not in env
    assert "CXXFLAGS" not in env


def test_everything_that_goes_into_a_build_is_part_of_its_key() -> None:
    build = build_on("linux")
    others = [
        replace(build, version="0.3.37"),
        replace(build, machine="another machine"),
        build_on("linux", {"CMAKE_ARGS": "-DGGML_VULKAN=on"}),
        build_on("linux", {"CXXFLAGS": "-O3"}),
        build_on("linux", amx_off=False),
    ]
    assert len({build.key, *(other.key for other in others)}) == 6
    assert build.key == build_on("linux").key


@pytest.mark.parametrize(
    ("platform", "env", "folder"),
    [
        ("linux", {}, "/home/ada lovelace/.cache/mistral-tui/wheels"),
        ("linux", {"XDG_CACHE_HOME": "/var/my cache"}, "/var/my cache/mistral-tui/wheels"),
        ("linux", {"MISTRAL_TUI_WHEEL_CACHE": "/srv/wheels"}, "/srv/wheels"),
        ("macos", {}, "/Users/ada lovelace/Library/Caches/mistral-tui/wheels"),
        ("windows", {}, r"C:\Users\ada lovelace\AppData\Local\mistral-tui\Cache\wheels"),
    ],
)
def test_wheels_are_kept_outside_the_checkout(platform: PlatformName, env: dict[str, str], folder: str) -> None:
    path = PureWindowsPath(folder) if platform == "windows" else PurePosixPath(folder)
    assert project_on(platform, env).wheel_cache == path


def test_visual_studio_is_left_to_cmake() -> None:
    assert find_compiler(project_on("windows", {"PATH": os.environ["PATH"]})) is None


def test_a_test_compile_tells_which_flags_a_compiler_takes(requires_program: Callable[[str], str]) -> None:
    compiler = requires_program("c++")
    assert accepts(compiler, ())
    assert not accepts(compiler, ("-mno-such-processor-feature",))


def test_a_compiler_that_refuses_the_amx_flags_is_spared_them(tmp_path: Path) -> None:
    project = checkout_at(tmp_path / "checkout")
    for_another = replace(project, machine="aarch64")
    assert AMX_OFF[0] not in describe_build(for_another).cxx_flags
    picky = script(tmp_path / "picky-c++", 'case "$*" in *-mno-amx*) exit 1;; esac')
    project = replace(project, machine="x86_64", env={**project.env, "CXX": str(picky), "CXXFLAGS": ""})
    assert describe_build(project).cxx_flags == ""


def test_the_version_is_the_one_that_the_program_pins(tmp_path: Path) -> None:
    assert pinned_version(Path(checkout_at(tmp_path).root)) == "0.3.36"


def script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
    path.chmod(0o755)
    return path


def with_pip(tmp_path: Path, *lines: str) -> Project:
    """A checkout whose Python in `.venv` is a script that plays pip; its ninth argument is where wheels go."""
    project = checkout_at(tmp_path / "check out", {"MISTRAL_TUI_WHEEL_CACHE": str(tmp_path / "wheel cache")})
    Path(project.venv_python).parent.mkdir(parents=True)
    script(Path(project.venv_python), f'echo built >> "{tmp_path}/builds"', *lines)
    return project


@pytest.mark.skipif(sys.platform == "win32", reason="the pip of this test is a shell script")
class TestCache:
    def test_a_wheel_is_built_once(self, tmp_path: Path) -> None:
        project = with_pip(tmp_path, 'touch "$9/llama_cpp_python-0.3.36-py3-none-any.whl"')
        build = describe_build(project)
        runner = Runner(project, "setup")
        wheels = {ensure_wheel(project, build, runner) for _ in range(2)}
        assert wheels == {tmp_path / "wheel cache" / build.key / "llama_cpp_python-0.3.36-py3-none-any.whl"}
        assert (tmp_path / "builds").read_text() == "built\n"

    def test_a_failed_build_leaves_nothing_and_shows_why(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        project = with_pip(tmp_path, "echo ninja: no rule to make a llama", "exit 3")
        build = describe_build(project)
        with pytest.raises(StepFailed, match=r"Building llama\.cpp failed \(exit status 3\).*setup\.log"):
            ensure_wheel(project, build, Runner(project, "setup"))
        assert "no rule to make a llama" in capsys.readouterr().out
        assert list((tmp_path / "wheel cache").glob("**/*.whl")) == []
        assert [path.name for path in (tmp_path / "wheel cache").iterdir()] == [f"{build.key}.lock"]

    def test_a_wheel_that_proved_broken_is_built_again(self, tmp_path: Path) -> None:
        project = with_pip(tmp_path, 'touch "$9/llama_cpp_python-0.3.36-py3-none-any.whl"')
        build = describe_build(project)
        ensure_wheel(project, build, Runner(project, "setup"))
        forget_wheel(project, build)
        ensure_wheel(project, build, Runner(project, "setup"))
        assert (tmp_path / "builds").read_text() == "built\nbuilt\n"

    def test_without_a_compiler_it_says_what_to_install(self, tmp_path: Path) -> None:
        project = with_pip(tmp_path)
        project = replace(project, platform="linux", env={**project.env, "PATH": str(tmp_path), "CXX": ""})
        with pytest.raises(StepFailed, match=r"needs a C\+\+ compiler.*apt install g\+\+ cmake"):
            ensure_wheel(project, describe_build(project), Runner(project, "setup"))

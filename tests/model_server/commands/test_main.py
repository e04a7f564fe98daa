# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line `gimp-saliency`: what it says, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gimp_saliency.shared.client import lifecycle
from model_server import __main__
from tests.model_server.processes import StartServer, wait_for


def test_serve_status_stop(start_server: StartServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["status"]) == 1
    assert __main__.main(["stop"]) == 0
    assert "No model server runs" in capsys.readouterr().out
    process = start_server()
    wait_for(lambda: (lifecycle.ask_health() or {}).get("state") == "ready")
    assert __main__.main(["status"]) == 0
    said = capsys.readouterr().out
    assert f"pid: {process.pid}\n" in said and "state: ready\nmodel: fake-1 (00000000)\n" in said
    assert "idle_minutes: 1.0\n" in said and "fake.onnx: 7 bytes, sha256 00000000…\n" in said
    assert __main__.main(["serve"]) == 0
    assert capsys.readouterr().out == "The model server runs already.\n"
    assert __main__.main(["stop"]) == 0
    assert process.wait(5) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["stop", "x"],
        ["fly"],
        ["batch", "in", "out"],
        ["batch", "in", "out", "--masks", "m", "--direction", "up"],
        ["batch", "in", "out", "--masks", "m", "--direction", "attenuate", "--strength", "151"],
        ["batch", "in", "out", "--masks", "m", "--direction", "attenuate", "--jobs", "0"],
        [
            "batch",
            "in",
            "out",
            "--masks",
            "m",
            "--direction",
            "attenuate",
            "--background",
            "--background-strength",
            "151",
        ],
        ["batch", "in", "out", "--masks", "m", "--direction", "attenuate", "--style"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        __main__.main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("usage: gimp-saliency")


def test_unusable_runtime_folder(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GIMP_SALIENCY_RUNTIME", "/proc/gimp-saliency")
    assert __main__.main(["serve"]) == 1
    assert "remove it or set GIMP_SALIENCY_RUNTIME to a folder of your own" in capsys.readouterr().err


def test_no_display(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert __main__.main(["gimp", "picture.png"]) == 1
    assert "There is no display for GIMP's window; use --console" in capsys.readouterr().err


def test_gimp_gets_its_arguments(
    tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "gimp-console"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo version 3.2.6 || { echo "$@"; exit 3; }\n')
    program.chmod(0o755)
    monkeypatch.setenv("GIMP_SALIENCY_GIMP", str(program))
    assert __main__.main(["gimp", "--console", "-i", "-b", "a b", "--quit", "x.png"]) == 3
    assert capfd.readouterr().out == "-i -b a b --quit x.png\n"

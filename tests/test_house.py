# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house that a machine can check: style, types, and who may import what."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PLUGIN = sorted((PROJECT / "plugin" / "saliency").glob("*.py"))
SERVER = sorted(path for path in (PROJECT / "model_server").rglob("*.py") if "training" not in path.parts)
# GIMP's own Python is younger than 3.9 nowhere.
OLDEST_PYTHON = (3, 9)


def _run(*command: str, folder: Path = PROJECT) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff() -> None:
    _run("ruff", "check", "--no-cache", ".")


def test_format() -> None:
    _run("ruff", "format", "--no-cache", "--check", ".")


def test_types() -> None:
    _run("mypy", "--no-error-summary", "model_server", "tests/conftest.py", "tests/gimp/test_dialog.py")


def test_types_of_the_plugin() -> None:
    # As GIMP sees it: the folder itself on the path, no package.
    _run("mypy", "--no-error-summary", *(path.name for path in PLUGIN), folder=PROJECT / "plugin" / "saliency")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), feature_version=OLDEST_PYTHON)):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", PLUGIN, ids=lambda path: path.name)
def test_plugin_needs_only_what_gimp_has(path: Path) -> None:
    own = {path.stem for path in PLUGIN}
    assert set(_imports(path)) <= sys.stdlib_module_names | own | {"gi"}


@pytest.mark.parametrize("path", SERVER, ids=lambda path: path.name)
def test_server_never_imports_torch(path: Path) -> None:
    assert not {"torch", "onnx"} & set(_imports(path))


def test_running_server_has_no_torch() -> None:
    code = (
        "import sys, model_server.server, model_server.predictor, model_server.batch; sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize("path", [*PLUGIN, *SERVER], ids=lambda path: path.name)
def test_licence_stands_in_each_file(path: Path) -> None:
    assert "SPDX-License-Identifier: GPL-3.0-or-later" in path.read_text(encoding="utf-8")[:200]


def test_networks_leave_nothing_in_the_home(tmp_path: Path) -> None:
    # onnxruntime comes with telemetry, which would keep a device id and a record of what ran.
    code = "import numpy, model_server.predictor as p; p.Predictor().saliency(numpy.zeros((32, 32, 3), numpy.uint8))"
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-B", "-c", code], cwd=PROJECT, env=env, timeout=60, check=True)
    assert not list(tmp_path.iterdir())

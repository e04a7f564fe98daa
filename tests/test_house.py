# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house that a machine can check: style, types, and who may import what."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

PROJECT = Path(__file__).resolve().parents[1]
PLUGIN = PROJECT / "plugin" / "saliency"
# What runs on the user's machine: GIMP's own Python is younger than 3.9 nowhere, the system's may be that old.
SHIPPED = sorted(
    path
    for folder in (PLUGIN, PROJECT / "model_server")
    for path in folder.rglob("*.py")
    if "training" not in path.relative_to(PROJECT).parts
)
OLDEST_PYTHON = (3, 9)
ENV = {**os.environ, "PYTHONPATH": f"{PLUGIN}{os.pathsep}{PROJECT}"}


def _run(*command: str) -> None:
    python = [sys.executable, "-m"] if command[0] != "lint-imports" else []
    program = [str(Path(sys.executable).with_name(command[0]))] if not python else [command[0]]
    done = subprocess.run(
        [*python, *program, *command[1:]], cwd=PROJECT, env=ENV, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff() -> None:
    _run("ruff", "check", "--no-cache", ".")


def test_format() -> None:
    _run("ruff", "format", "--no-cache", "--check", ".")


def test_types() -> None:
    _run("mypy", "--no-error-summary", "model_server", "plugin/saliency/gimp_saliency", "tests/conftest.py")


def test_doors() -> None:
    _run("lint-imports", "--no-cache")


def test_plugin_needs_only_what_gimp_has() -> None:
    graph = grimp.build_graph(
        "gimp_saliency", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )
    foreign = {module for module in graph.modules if graph.is_module_squashed(module)}
    assert foreign - sys.stdlib_module_names - {"__future__"} == {"gi"}


def test_running_server_has_no_torch() -> None:
    code = (
        "import sys, model_server.serve.process, model_server.predict.predictor, model_server.batch.runner; "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_each_file(path: Path) -> None:
    """Its licence stands in it, and the oldest Python understands it."""
    text = path.read_text(encoding="utf-8")
    assert not text or "SPDX-License-Identifier: GPL-3.0-or-later" in text[:200]
    ast.parse(text, feature_version=OLDEST_PYTHON)


def test_networks_leave_nothing_in_the_home(tmp_path: Path) -> None:
    # onnxruntime comes with telemetry, which would keep a device id and a record of what ran.
    code = (
        "import numpy, model_server.predict.predictor as p; "
        "p.Predictor().attention.map_saliency(numpy.zeros((32, 32, 3), numpy.uint8))"
    )
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-B", "-c", code], cwd=PROJECT, env=env, timeout=60, check=True)
    assert not list(tmp_path.iterdir())

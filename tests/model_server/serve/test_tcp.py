# SPDX-License-Identifier: GPL-3.0-or-later
"""The way over TCP, client and server, where Python has no Unix sockets at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, str(Path(__file__).with_name("without_unix.py"))]
ASK = f"""
import json
from gimp_saliency.shared.client import lifecycle, questions, transport
from gimp_saliency.shared.request import EditRequest
lifecycle.start_command = {[*COMMAND, "serve"]!r}
picture = bytes(range(256)) * 64
answer = questions.ask_edits(picture, 64, 64, EditRequest("emphasize"))
again = questions.ask_edits(picture, 64, 64, EditRequest("emphasize"))
look = questions.ask_look(picture, 64, 64)
same = answer["edits"] == again["edits"]
print(json.dumps([same, len(look["map"]), lifecycle.ask_health(), transport.has_unix_sockets()]))
"""


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)


def test_everything_over_tcp(runtime: Path) -> None:
    done = call("-c", ASK)
    assert done.returncode == 0, done.stderr
    same, size, health, unix = json.loads(done.stdout)
    assert same and size == 64 * 64 and not unix
    assert not (runtime / "server.sock").exists()
    try:
        status = call("status")
        assert status.returncode == 0 and f"pid: {health['pid']}\n" in status.stdout
        assert call("serve").stdout == "The model server runs already.\n"
    finally:
        assert call("stop").stdout == "The model server has stopped.\n"
    assert call("status").returncode == 1
    assert not (runtime / "server.json").exists()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server's tests share: the commands that start one, waiting, measuring."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FAKE_SERVER = [sys.executable, str(Path(__file__).with_name("fake_server.py"))]
REAL_SERVER = [sys.executable, "-m", "model_server", "serve"]
ROOT = Path(__file__).resolve().parents[2]

StartServer = Callable[..., "subprocess.Popen[Any]"]


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait until condition() holds; fail the test if it does not within seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def memory(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def threads(pid: int) -> int:
    """How many threads a process has: a server has one for each open connection."""
    return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208


def memory_at_rest(pid: int) -> float:
    """Resident memory in MB of a model server that has had a moment to give back what it does not need."""
    time.sleep(1.5)  # it does so after half a second
    return memory(pid)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used: what a busy machine does not falsify."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

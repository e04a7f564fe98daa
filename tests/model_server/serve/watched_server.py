# SPDX-License-Identifier: GPL-3.0-or-later
"""The model server, with a record of everything that Python's audit hooks report; its path comes first.

With "clock" instead of a path: the server with a clock that runs backwards.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / folder) for folder in ("", "plugin/saliency")]

# Of the many events those that reach out of the process, or turn data into code.
_WATCHED = ("open", "socket.", "subprocess.", "os.", "pickle.", "marshal.load", "import", "exec", "compile", "ctypes.")
_WATCHED += ("shutil.", "tempfile.", "urllib.", "http.client.", "smtplib.", "ftplib.", "webbrowser.", "syslog.")


def watch(record: str) -> None:
    """Append each event to the file, as a line of JSON: its name and its arguments."""
    file = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_WATCHED):
            shown = [value if isinstance(value, (str, int)) else str(value) for value in arguments]
            os.write(file, json.dumps([event, *shown]).encode() + b"\n")

    sys.addaudithook(hook)


def turn_the_clock_back() -> None:
    """Let each look at the clock be an hour before the last one."""
    hours = iter(range(10**9))
    real = time.time()
    time.time = lambda: real - 3600 * next(hours)
    time.time_ns = lambda: int(1e9 * time.time())


if __name__ == "__main__":
    how, *sys.argv[1:] = sys.argv[1:]
    if how == "clock":
        turn_the_clock_back()
    else:
        watch(how)
    from model_server.__main__ import main

    sys.exit(main())

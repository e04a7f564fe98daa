# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside gimp-console: executes what the tests send, one script after the other, each as if it were the first.

Start with exec(…, {"ADDRESS": path of a socket to make, "FOLDERS": where scripts find their modules}).
"""

from __future__ import annotations

import json
import sys
import traceback
from multiprocessing.connection import Listener
from typing import Any

from gi.repository import Gimp


def execute(code: str) -> tuple[str, str]:
    """What the code leaves in the variable `result`, as JSON, and the last line of its traceback, if it fails."""
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(code, names)
        return json.dumps(names.get("result")), ""
    except BaseException:
        return "", traceback.format_exc().strip().splitlines()[-1]


def clean(folders: list[str]) -> None:
    """Forget the folders' modules, in which a script may have replaced something, and delete the images left."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(tuple(folders)):
            del sys.modules[name]
    for image in Gimp.get_images():
        image.delete()


def serve(address: str, folders: list[str]) -> None:
    sys.path[:0] = folders
    with Listener(address, "AF_UNIX") as listener, listener.accept() as connection:
        while True:
            try:
                code = connection.recv()
            except EOFError:
                return
            answer = execute(code)
            clean(folders)
            connection.send(answer)


serve(globals()["ADDRESS"], globals()["FOLDERS"])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for gimp-console in the tests of `batch`: what it does with a picture depends on the picture's name."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    if "--version" in sys.argv:
        print("GNU Image Manipulation Program version 3.2.6")
        return
    print("noise on stdout", flush=True)
    if os.environ.get("FAKE_GIMP") == "broken":
        sys.exit("no interpreter python-fu-eval")
    address = re.search(r"job\.main\('([^']+)'", sys.argv[sys.argv.index("-b") + 1])
    assert address
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address[1])
        with client.makefile("rw", encoding="utf-8") as stream:
            stream.write("{}\n")
            stream.flush()
            for line in stream:
                stream.write(json.dumps(edit(json.loads(line))) + "\n")
                stream.flush()


def edit(job: dict[str, Any]) -> dict[str, Any]:
    name, output = Path(job["picture"]).name, Path(job["output"] or os.devnull)
    output.write_text("half of it")
    content = Path(job["picture"]).read_text(errors="replace")
    if "crash" in (name[:5], content):
        os.abort()
    if name.startswith("hang"):
        time.sleep(60)
    if name.startswith("slow"):
        time.sleep(0.4)
    if name.startswith("bad") or content == "bad":
        return {"error": "Do something else."}
    # What is predicted says on which picture, and after which edits.
    edits: list[Any] = []
    for step in job["steps"]:
        edits.append(step["edits"] or {"edits": [{"name": "exposure", "ev": -0.5}], "model": f"{name} {len(edits)}"})
    if job["output"]:
        shutil.copyfile(job["picture"], output)
        with output.open("a") as file:
            said = [step["edits"]["model"] for step in job["steps"] if step["edits"]]
            masks = [Path(step["mask"]).name for step in job["steps"] if step["mask"]]
            if name.startswith("told"):
                file.write(json.dumps({key: job[key] for key in job if key not in ("picture", "output")}) + "\n")
            file.write(json.dumps([*said, *masks]) + str(os.getpid()))
    return {"edits": edits}


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `gimp-saliency`, or the code after -c, as on a system without Unix sockets and user ids."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

for module, names in ((socket, ("AF_UNIX", "SO_PEERCRED")), (os, ("getuid", "geteuid", "killpg"))):
    for name in names:
        delattr(module, name)

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / folder) for folder in ("", "plugin/saliency")]

if __name__ == "__main__":
    if sys.argv[1] == "-c":
        exec(sys.argv[2])
    else:
        from model_server.__main__ import main

        sys.exit(main())

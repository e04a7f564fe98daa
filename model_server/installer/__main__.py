# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line behind install.sh."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from model_server.gimp import GimpError
from model_server.installer import steps
from model_server.installer.system import SetupError, say
from model_server.installer.uninstall import uninstall
from plugin.saliency.connection import ServerError


def main() -> int:
    """Do what install.sh was asked for; 0 on success."""
    options = _parser().parse_args()
    began = time.monotonic()
    try:
        if options.action == "uninstall":
            uninstall()
            return 0
        if options.action == "test":
            steps.test(options.pytest)
        else:
            steps.install(options.packages.split())
            if options.action == "demo":
                steps.demo(Path(options.started_in), options.output)
    except (SetupError, GimpError, ServerError) as error:
        print(f"install.sh: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"install.sh: {error.filename or 'a file'}: {error.strerror}; put that right and run it again.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("install.sh: stopped; run it again to finish.", file=sys.stderr)
        return 130
    say(f"Done in {time.monotonic() - began:.0f} s.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="install.sh")
    parser.add_argument("action", choices=("install", "demo", "test", "uninstall"))
    parser.add_argument("--started-in", default=str(Path.cwd()), help="the folder that --output is relative to")
    parser.add_argument("--output", default="gimp-saliency-demo", help="where the demonstration's pictures go")
    parser.add_argument("--packages", default="", help="system packages that install.sh has just installed")
    parser.add_argument("--pytest", action="append", default=[], help="an argument for pytest")
    return parser


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line behind install.sh."""

from __future__ import annotations

import argparse
import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gimp_saliency.shared import places
from gimp_saliency.shared.errors import ServerError
from model_server.gimp.running import GimpError
from model_server.installer import steps, testing
from model_server.installer.system import SetupError, say
from model_server.installer.uninstall import uninstall


def main() -> int:
    """Do what install.sh was asked for; 0 on success."""
    options = _parser().parse_args()
    began = time.monotonic()
    try:
        with _alone():
            _do(options)
    except (SetupError, GimpError, ServerError) as error:
        print(f"install.sh: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        name = error.filename or "a file"
        print(f"install.sh: {name}: {error.strerror}; put that right and run it again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install.sh: stopped; run it again to finish.", file=sys.stderr)
        return 130
    say(f"Done in {time.monotonic() - began:.0f} s.")
    return 0


def _do(options: argparse.Namespace) -> None:
    if options.action == "uninstall":
        uninstall()
    elif options.action == "check":
        testing.check(options.pytest)
    elif options.action == "test":
        testing.test(options.pytest)
    else:
        steps.install(options.packages.split())
        if options.action == "demo":
            steps.demo(Path(options.started_in), options.output)


@contextmanager
def _alone() -> Iterator[None]:
    """Only one installation at a time.  Raises SetupError if there is another."""
    with Path(places.runtime_folder(), "install.lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupError("Another install.sh is at work: wait until it has ended, then run it again.") from None
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="install.sh")
    parser.add_argument("action", choices=("install", "demo", "check", "test", "uninstall"))
    parser.add_argument("--started-in", default=str(Path.cwd()), help="the folder that --output is relative to")
    parser.add_argument("--output", default="gimp-saliency-demo", help="where the demonstration's pictures go")
    parser.add_argument("--packages", default="", help="system packages that install.sh has just installed")
    parser.add_argument("--pytest", action="append", default=[], help="an argument for pytest")
    return parser


if __name__ == "__main__":
    sys.exit(main())

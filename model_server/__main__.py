# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line `gimp-saliency`.

Each command imports what it needs when it runs, so that `serve` starts in a fraction of a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gimp_saliency.shared import version
from gimp_saliency.shared.errors import ServerError
from model_server.commands import batch, benchmark, check, demo, gimp, serve, status, stop
from model_server.commands.console import fail

_COMMANDS = (serve, stop, status, check, batch, gimp, benchmark, demo)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 failed, 2 wrong usage, 130 ended by Ctrl+C."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    options.for_gimp = rest
    if rest and options.run is not gimp.run:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        code: int = options.run(options)
        return code
    except ServerError as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gimp-saliency", description="Edits photographs in GIMP so that they draw the viewer's eye elsewhere."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version.VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        name = command.__name__.rpartition(".")[2]
        added = commands.add_parser(name, help=command.HELP)
        command.add_arguments(added)
        added.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())

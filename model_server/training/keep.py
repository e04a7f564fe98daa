# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the networks that judge in the repository, so that every figure can be measured again.

They are written to `judges/` beside this script as half floats, without what only their training needs.  They are no
part of an installed package.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from . import checkpoints

JUDGES = Path(__file__).parent / "judges"


def keep(source: Path, target: Path) -> None:
    """Write a viewer's or a critic's checkpoint in little space; vectors stay as they are."""
    state = checkpoints.load(source)
    model = {name: value.half() if value.ndim > 1 else value for name, value in state["model"].items()}
    facts: dict[str, Any] = {name: state[name] for name in ("kind", "taps", "validation") if name in state}
    target.parent.mkdir(parents=True, exist_ok=True)
    # The other format has a page of its own for each of hundreds of small vectors.
    torch.save({"model": model, **facts}, target, _use_new_zipfile_serialization=False)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model_server.training.keep",
        description=str(__doc__).split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("checkpoints", type=Path, nargs="+", help="of viewers and critics; each keeps its name")
    parser.add_argument("--out", type=Path, default=JUDGES, help="folder to write to")
    options = parser.parse_args(argv)
    for source in options.checkpoints:
        keep(source, options.out / source.name)
        print(f"{options.out / source.name}: {(options.out / source.name).stat().st_size} bytes")


if __name__ == "__main__":
    main()

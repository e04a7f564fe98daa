# SPDX-License-Identifier: GPL-3.0-or-later
"""The type stubs of GIMP's modules, from GIMP's own typelibs: `python -m tests.typings.generate [--check]`.

Run it when the plug-in begins to use something of GIMP, Gegl or GTK that it did not use before: the stubs have no more
than that.  It needs the tests' own GIMP 3.2, which has all that 3.0 has; its Python runs introspection.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gimp_saliency.shared import places
from model_server.gimp import private_root

_HERE = Path(__file__).resolve().parent
_PROJECT = _HERE.parents[1]
_LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
_REQUIRE = "def require_version(namespace: str, version: str) -> None: ...\n"


def main() -> int:
    """The command line; 1 if the check finds a stub that is out of date."""
    parser = argparse.ArgumentParser(description="Write the type stubs of GIMP's modules.")
    parser.add_argument("--check", action="store_true", help="write nothing, but say which stubs are out of date")
    parser.add_argument(
        "--root", type=Path, default=places.cache_folder() / "gimp-3.2", help="the root folder with GIMP"
    )
    parser.add_argument("--stubs", type=Path, default=_HERE / "gi", help="where the stubs are")
    parser.add_argument("sources", type=Path, nargs="*", default=[_PROJECT / "plugin"], help="what uses GIMP")
    options = parser.parse_args()
    wanted, found = generate_stubs(options.root, options.sources), read_stubs(options.stubs)
    stale = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    for name in stale:
        print(f"{name} {'is' if options.check else 'was'} out of date")
        if not options.check and name in wanted:
            (options.stubs / name).parent.mkdir(parents=True, exist_ok=True)
            (options.stubs / name).write_text(wanted[name], encoding="utf-8")
        elif not options.check:
            (options.stubs / name).unlink()
    return 1 if options.check and stale else 0


def generate_stubs(root: Path, sources: list[Path]) -> dict[str, str]:
    """The stubs' texts by file name, of what some files, and those in some folders, use."""
    files = [file for each in sources for file in (sorted(each.rglob("*.py")) if each.is_dir() else [each])]
    with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as name:
        folder = Path(name)
        (folder / "repository").mkdir()
        (folder / "__init__.pyi").write_text(_LICENCE + _REQUIRE, encoding="utf-8")
        (folder / "repository" / "__init__.pyi").write_text(_LICENCE, encoding="utf-8")
        program = ["/usr/bin/python3", "-B", str(_HERE / "introspection.py"), str(folder / "repository")]
        command = private_root.wrap_command(root, [*program, *(str(file.absolute()) for file in files)])
        subprocess.run(command, env=private_root.adapt_environment(dict(os.environ)), check=True, timeout=300)
        style = ["--quiet", "--no-cache", "--config", str(_PROJECT / "pyproject.toml"), name]
        for step in (["check", "--fix", "--select", "I"], ["format"]):
            subprocess.run([sys.executable, "-m", "ruff", *step, *style], check=True, timeout=60)
        return read_stubs(folder)


def read_stubs(folder: Path) -> dict[str, str]:
    """The stubs' texts by file name."""
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.pyi")}


if __name__ == "__main__":
    sys.exit(main())

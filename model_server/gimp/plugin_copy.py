# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the plug-in into GIMP's profile folders, take it out again, and ask GIMP whether it knows it."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
from importlib import metadata
from pathlib import Path

import gimp_saliency
from gimp_saliency.shared import places
from model_server.gimp.running import FLATPAK, Gimp, run_script

PROCEDURES = tuple(
    f"plug-in-saliency-{name}" for name in ("attenuate", "emphasize", "adjust", "repeat", "map", "server")
)
PACKAGE = Path(gimp_saliency.__file__).resolve().parent  # what GIMP's Python imports

_KINDS = (".py", ".svg", ".png", ".mo")


def install_plugin(profile: Path, command: list[str]) -> Path:
    """Copy the plug-in into a profile folder, in place of an older copy, and return the copy's folder.

    command: what the plug-in runs to start the server, see `start_command.plugin_command`.
    """
    target = plugin_folder(profile)
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(".saliency.new")
    remove_folder(new)
    new.mkdir()
    for name, source in list_files().items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, new / name)
    (new / "server-command.json").write_text(json.dumps({"command": command}, indent=2) + "\n", encoding="utf-8")
    (new / "saliency.py").chmod(0o755)  # without it GIMP passes over the plug-in, silently
    remove_folder(target)
    new.rename(target)
    return target


def list_files() -> dict[str, Path]:
    """What the plug-in consists of: path in its folder → source."""
    found = {"saliency.py": find_launcher()}
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in _KINDS:
            found[path.relative_to(PACKAGE.parent).as_posix()] = path
    manual = PACKAGE.parents[2] / "docs" / "manual.md"  # the help button shows it; only the source tree has it
    if manual.is_file():
        found["manual.md"] = manual
    return found


def find_launcher() -> Path:
    """The program that GIMP starts: beside the package in the source tree, among the data of an installation."""
    beside = PACKAGE.parent / "saliency.py"
    if beside.is_file():
        return beside
    return next(Path(path.locate()) for path in metadata.files("gimp-saliency") or () if path.name == "saliency.py")


def plugin_folder(profile: Path) -> Path:
    """Where the plug-in lies in a profile; GIMP wants folder and program to have the same name."""
    return profile / "plug-ins" / "saliency"


def remove_folder(path: Path) -> bool:
    """Remove a folder, or only the link where it is one.  Whether there was something."""
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        return False
    return True


def read_version(copy: Path) -> str:
    """The version of a copy, by its folder.  Raises OSError or ValueError where the copy does not say it."""
    try:
        statements = ast.parse((copy / PACKAGE.name / "shared" / "version.py").read_text(encoding="utf-8")).body
    except SyntaxError as error:
        raise ValueError(str(error)) from error
    for statement in statements:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "VERSION":
            return str(ast.literal_eval(statement.value))
    raise ValueError("There is no VERSION.")


def find_profiles() -> list[Path]:
    """The profile folders of GIMP 3 that exist: native and Flatpak GIMP, and the private one."""
    shared = places.gimp_folder()
    sandbox = Path.home() / ".var/app" / FLATPAK / "config/GIMP"
    found = [path for parent in (shared, sandbox) for path in parent.glob("3.*") if re.fullmatch(r"3\.\d+", path.name)]
    found += places.data_folder().glob("profile-3.*")
    moved = os.environ.get("GIMP3_DIRECTORY")
    if moved:
        found.append(Path(moved))
    return sorted({path for path in found if path.is_dir()})


def find_missing_procedures(gimp: Gimp, profile: Path | None = None, timeout: float = 120.0) -> list[str]:
    """The names of our procedures that GIMP does not know, when it uses `profile` (default: its own).

    Raises GimpError when GIMP cannot be asked.
    """
    env = dict(os.environ) if profile is None else {**os.environ, "GIMP3_DIRECTORY": str(profile)}
    code = (
        "import gi\ngi.require_version('Gimp', '3.0')\nfrom gi.repository import Gimp\n"
        f"result = [name for name in {PROCEDURES!r} if not Gimp.get_pdb().procedure_exists(name)]"
    )
    answer: list[str] = run_script(gimp, code, timeout, env)
    return answer

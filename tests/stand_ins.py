# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that stand in for others in the tests."""

from __future__ import annotations

import sys
from pathlib import Path

# Answers the questions that an installation asks a GIMP: its version, and which procedures it knows.  As GIMP does, it
# loads only a plug-in that is executable.
GIMP = f"""#!/bin/sh
'''exec' "{sys.executable}" "$0" "$@"  # the path may hold spaces, which a shebang cannot
'''
import os, pathlib, sys, types
if "--version" in sys.argv:
    print("GNU Image Manipulation Program version 3.2.6")
    raise SystemExit
default = os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.environ["HOME"] + "/.config", "GIMP/3.2")
program = pathlib.Path(os.environ.get("GIMP3_DIRECTORY") or default, "plug-ins/saliency/saliency.py")
known = os.access(program, os.X_OK)
pdb = types.SimpleNamespace(procedure_exists=lambda name: known)
gi, repository, Gimp = (types.ModuleType(name) for name in ("gi", "gi.repository", "Gimp"))
gi.require_version, repository.Gimp, Gimp.get_pdb = lambda *_: None, Gimp, lambda: pdb
sys.modules.update({{"gi": gi, "gi.repository": repository}})
exec(sys.argv[sys.argv.index("-b") + 1])
"""

# Runs the GIMP that lies beside it as gimp-for-flatpak, as Flatpak does: the profile is the host's where there is one,
# else in the sandbox.  Overrides go where Flatpak keeps them.
FLATPAK = """#!/bin/sh
case $1 in
run)
  while [ "$1" != org.gimp.GIMP ]; do shift; done
  shift
  XDG_CONFIG_HOME=$HOME/.var/app/org.gimp.GIMP/config
  [ ! -d "$HOME/.config/GIMP" ] || XDG_CONFIG_HOME=$HOME/.config
  FLATPAK_ID=org.gimp.GIMP
  export FLATPAK_ID XDG_CONFIG_HOME
  exec "${0%/*}/gimp-for-flatpak" "$@" ;;
override)
  folder=${XDG_DATA_HOME:-$HOME/.local/share}/flatpak/overrides
  mkdir -p "$folder"
  for each; do
    case $each in
    --filesystem=*) shared=${each#*=} ;;
    --talk-name=*) name=${each#*=} ;;
    esac
  done
  form='[Context]\\nfilesystems=%s;\\n\\n[Session Bus Policy]\\n%s=talk\\n'
  printf "$form" "$shared" "$name" > "$folder/org.gimp.GIMP" ;;
esac
"""


def executable(path: Path, text: str) -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path

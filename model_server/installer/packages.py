# SPDX-License-Identifier: GPL-3.0-or-later
"""For systems without install.sh: `python -m model_server.installer.packages [FOLDER]` makes the two files to hand out.

The plug-in as a zip to unpack in GIMP's folder of plug-ins, and the model server with its networks as a wheel for pip.
The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import zipfile
from pathlib import Path

from gimp_saliency.shared import version
from model_server.gimp import plugin_copy
from model_server.installer import environment
from model_server.installer.system import SetupError, run, say

_WHEN = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold
_SINCE_1970 = "315532800"  # the same for the wheel, as reproducible builds name it


def plugin_zip(folder: Path) -> Path:
    """Write gimp-saliency-plugin-VERSION.zip, which holds `saliency/`, into a folder; its path."""
    path = folder / f"gimp-saliency-plugin-{version.VERSION}.zip"
    install = (
        (plugin_copy.PACKAGE.parent / "INSTALL.txt").read_text(encoding="utf-8").replace("VERSION", version.VERSION)
    )
    contents = {name: source.read_bytes() for name, source in plugin_copy.list_files().items()}
    contents["INSTALL.txt"] = install.encode()
    contents["LICENSE"] = (environment.PROJECT / "LICENSE").read_bytes()
    # Not compressed: what comes out would depend on the machine's zlib.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(f"saliency/{name}", _WHEN)
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = (0o100755 if name == "saliency.py" else 0o100644) << 16
            archive.writestr(entry, data)
    return path


def server_wheel(folder: Path) -> Path:
    """Build the wheel of the model server, command line and plug-in into a folder; its path.  Raises SetupError."""
    with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as temporary:
        source = environment.sources(Path(temporary))
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)]
        env = {**os.environ, "SOURCE_DATE_EPOCH": _SINCE_1970, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        log = Path(temporary) / "log"
        run(command, log, "Check the network and pip's settings, then run it again.", timeout=600, env=env)
    return folder / f"gimp_saliency-{version.VERSION}-py3-none-any.whl"


def main() -> int:
    """Make both; 0 on success."""
    parser = argparse.ArgumentParser(prog="packages", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("dist"), help="where they go (default: dist)")
    folder: Path = parser.parse_args().folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (plugin_zip(folder), server_wheel(folder)):
            say(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    except (SetupError, OSError) as error:
        print(f"packages: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

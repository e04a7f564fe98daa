# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove all that install.sh made, except the system packages."""

from __future__ import annotations

import shutil
from pathlib import Path

from gimp_saliency.shared import places
from gimp_saliency.shared.client import lifecycle
from gimp_saliency.shared.errors import ServerError
from model_server.gimp.plugin_copy import PROCEDURES, find_profiles, plugin_folder, remove_folder
from model_server.installer import flatpak, record, root_folder
from model_server.installer.system import say

# The server's files in its runtime folder; the folder may be one that the user chose, so only these go.
_RUNTIME = ("server.sock", "server.lock", "server.json", "start", "install.lock")


def uninstall() -> None:
    """Stop the server, then remove everything; says what was removed.  Raises SetupError or OSError."""
    done = record.load()
    _stop_server()
    copies = {*map(Path, done.plugins), *(plugin_folder(profile) for profile in find_profiles())}
    for copy in sorted(copies):
        if remove_folder(copy):
            say(f"Removed {copy}")
        _forget_values(copy.parent.parent)
    flatpak.withdraw(done)
    _remove_links(done)
    for folder in (
        places.data_folder(),
        places.cache_folder(),
        places.state_folder(),
        places.config_folder() / places.NAME,
    ):
        if folder.is_dir():
            for root in (*folder.glob("gimp-3.*"), *folder.glob(".*.new")):
                root_folder.remove(root)
            shutil.rmtree(folder)
            say(f"Removed {folder}")
    for path in map(Path, reversed(done.made)):
        try:
            path.rmdir()  # only where nothing else is in it
        except OSError:
            pass
    if done.packages:
        say(f"These system packages were installed by install.sh and stay: {' '.join(done.packages)}")
    say("gimp-saliency is uninstalled.")


def _remove_links(done: record.Record) -> None:
    for link in map(Path, done.links):
        if link.is_symlink() and places.data_folder() in link.readlink().parents:
            link.unlink()
            say(f"Removed {link}")


def _stop_server() -> None:
    try:
        if lifecycle.stop(kill=True):
            say("Stopped the model server.")
        runtime = Path(places.runtime_folder())
    except ServerError as error:
        say(str(error))
        return
    for name in _RUNTIME:
        (runtime / name).unlink(missing_ok=True)
    try:
        runtime.rmdir()
    except OSError:
        pass


def _forget_values(profile: Path) -> None:
    """Remove the values of the plug-in's dialogs that GIMP remembers in a profile."""
    for name in PROCEDURES:
        for path in (profile / "plug-in-settings").glob(f"*{name}*"):
            path.unlink() if path.is_file() else remove_folder(path)

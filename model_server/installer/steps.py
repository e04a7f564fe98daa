# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of an installation: GIMP, virtual environment, plug-in, and GIMP's own word that it knows the plug-in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gimp_saliency.shared import places
from gimp_saliency.shared.client import lifecycle
from gimp_saliency.shared.errors import ServerError
from model_server.gimp import plugin_copy, private_root, start_command
from model_server.gimp.find import find_flatpak, find_gimp, find_on_path
from model_server.gimp.running import Gimp
from model_server.installer import environment, flatpak, record, root_folder, system
from model_server.installer.system import SetupError, say


def log() -> Path:
    """Where the programs that are called say what they do."""
    return places.state_folder() / system.LOG


def install(packages: Sequence[str] = ()) -> Gimp:
    """Install for this user; return the GIMP that was set up.  `packages`: those that install.sh had to install."""
    done = record.load()
    done.add("packages", *packages)
    for folder in (places.data_folder(), places.cache_folder(), places.state_folder()):
        done.will_make(folder)
    done.save()
    found = _gimp(done)
    say(f"Using {found.describe()}.")
    _stop_old_server()
    python = environment.make(places.data_folder() / "venv", log())
    program = python.with_name("gimp-saliency")
    say(f"Installed the model server in {python.parents[1]}.")
    _link(program, done)
    if found.kind == "flatpak":
        flatpak.allow(done)
        say("Allowed the Flatpak GIMP to start the model server on the host.")
    own = found.profile()
    for profile in sorted({own, *plugin_copy.find_profiles()}):
        done.will_make(plugin_copy.plugin_folder(profile).parent)
        copy = plugin_copy.install_plugin(profile, start_command.plugin_command([str(program)]))
        done.add("plugins", str(copy))
        say(f"Installed the plug-in in {copy}.")
    done.save()
    _ask(found)
    return found


def demo(started_in: Path, output: str) -> None:
    """Edit the sample photographs.  Raises SetupError."""
    program = places.data_folder() / "venv" / "bin" / "gimp-saliency"
    if subprocess.run([str(program), "demo", "--output", str(started_in / output)]).returncode:
        raise SetupError("The demonstration failed: see above; `gimp-saliency check` looks for the cause.")


def _gimp(done: record.Record) -> Gimp:
    """The GIMP to set up; installs or builds one where there is none."""
    if os.environ.get("GIMP_SALIENCY_GIMP"):
        return find_gimp()
    found = find_on_path() or find_flatpak()
    if found:
        return found
    if any(Path(path).exists() for path in ("/snap/bin/gimp", "/var/lib/snapd/snap/bin/gimp")):
        say("The Snap GIMP is not supported: it cannot run Python plug-ins.  Looking for another GIMP.")
    if system.is_root() and system.is_debian_like():
        system.update_package_lists(log())
    if system.offers_gimp():
        done.add("packages", *system.need({"gimp-console-3": "gimp", **_PYTHON_IN_GIMP}, log()))
        done.save()
        found = find_on_path()
        if found:
            return found
    tools = system.need(root_folder.tools(root_folder.distribution()), log())
    done.add("packages", *tools)
    done.save()
    if not any(private_root.is_complete(root) for root in places.data_folder().glob("gimp-3.*")):
        root_folder.build(places.data_folder(), "3.2", log())
    return find_gimp()


# GIMP's package only suggests what Python plug-ins need.
_PYTHON_IN_GIMP = {
    "/usr/lib/python3/dist-packages/gi": "python3-gi",
    "/usr/lib/*/girepository-1.0/Gimp-3.0.typelib": "gir1.2-gimp-3.0",
}


def _stop_old_server() -> None:
    """A server of the version before must not go on answering."""
    try:
        if lifecycle.stop(kill=True):
            say("Stopped the model server of the earlier installation.")
    except ServerError as error:
        raise SetupError(str(error)) from error


def _link(program: Path, done: record.Record) -> None:
    """Put `gimp-saliency` where shells look for a user's programs."""
    link = Path.home() / ".local/bin" / program.name
    if link.is_symlink() and link.readlink() == program:
        pass
    elif link.exists():
        say(f"{link} is another program and stays; ours is {program}.")
        return
    else:
        done.will_make(link.parent)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)  # it leads nowhere
        link.symlink_to(program)
    done.add("links", str(link))
    hint = "" if shutil.which(link.name) else f" (add {link.parent} to your PATH)"
    say(f"The command is {link}{hint}.")


def _ask(found: Gimp) -> None:
    """Let GIMP say whether it knows the procedures.  Raises SetupError if it does not."""
    missing = plugin_copy.find_missing_procedures(found)
    for name in plugin_copy.PROCEDURES:
        say(f"GIMP {'does not know' if name in missing else 'knows'} {name}.")
    if missing:
        raise SetupError(
            f"{found.describe()} does not load the plug-in: check that its Python has the gi module "
            "(on Debian: apt-get install python3-gi gir1.2-gimp-3.0), then run install.sh again."
        )
    where = "Run `gimp-saliency gimp`, then see" if found.kind == "private" else "In GIMP, see"
    say(f"{where} Filters → Saliency.")

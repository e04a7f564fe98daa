# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a private GIMP: a root folder with a small Debian (or Ubuntu) of a newer release, by mmdebstrap.

Nothing of it touches the system's package sources; only the mirror's address is read from them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from model_server.gimp import private_root
from model_server.installer.system import SetupError, is_debian_like, is_root, need, os_release, run, say

PACKAGES = "gimp,python3-gi,gir1.2-gimp-3.0"
_SPACE = 2_000_000_000  # bytes: the folder takes 0.9 GB, and while it is built the packages lie there, too

# Nobody reads them there; without them the folder is built faster.  Licences stay.
_LEFT_OUT = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
)


@dataclass(frozen=True)
class Distribution:
    """Whose packages, and which releases of it have which GIMP."""

    origin: str  # as its Release files say
    components: str
    keyring: str
    keyring_package: str
    suites: dict[str, tuple[str, ...]]  # GIMP's version ("3.2", "3.0") → releases, the best first


DEBIAN = Distribution(
    "Debian",
    "main",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "debian-archive-keyring",
    {"3.2": ("forky", "trixie"), "3.0": ("trixie",)},
)
UBUNTU = Distribution(
    "Ubuntu",
    "main universe",
    "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    "ubuntu-keyring",
    {"3.2": ("resolute", "questing"), "3.0": ("questing",)},
)


def distribution() -> Distribution:
    """The distribution that this system is or descends from.  Raises SetupError where there is none."""
    if not is_debian_like():
        raise SetupError(
            "No GIMP 3 was found, and a private one can be built on Debian and Ubuntu only: "
            "install GIMP 3.0 or newer from this system's packages or as Flatpak, then run install.sh again."
        )
    system = os_release()
    return UBUNTU if "ubuntu" in (system.get("ID"), *system.get("ID_LIKE", "").split()) else DEBIAN


def tools(source: Distribution) -> dict[str, str]:
    """What building and running a root folder needs: program or file → package."""
    wanted = {"mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap", source.keyring: source.keyring_package}
    return wanted if is_root() else {**wanted, "newuidmap": "uidmap"}


def build(parent: Path, gimp: str, log: Path) -> tuple[Path, list[str]]:
    """Build `parent`/gimp-3.x with GIMP `gimp` ("3.2" or "3.0") unless it is there; the next best one where it fails.

    Returns the folder and the system packages that had to be installed.  Raises SetupError.
    """
    if private_root.is_complete(parent / f"gimp-{gimp}"):
        return parent / f"gimp-{gimp}", need({"bwrap": "bubblewrap"}, log)
    source = distribution()
    installed = need(tools(source), log)
    parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(parent).free < _SPACE:
        raise SetupError(f"A private GIMP needs 2 GB of free space in {parent}: make room, then run install.sh again.")
    address = mirror(source)
    failure: SetupError | None = None
    for suite in source.suites[gimp]:
        say(f"Building a private GIMP from {source.origin} {suite} (about a minute, 0.9 GB) …")
        new = parent / f".{suite}.new"
        remove(new)
        try:
            _bootstrap(new, suite, source, address, log)
            version = _version(new)
        except SetupError as error:
            failure = error
            remove(new)
            continue
        except BaseException:  # interrupted: leave no half-built folder
            remove(new)
            raise
        root = parent / f"gimp-{version}"
        remove(root)
        new.rename(root)
        say(f"Built {root}.")
        return root, installed
    raise failure or SetupError(f"{source.origin} has no GIMP {gimp}.")


def remove(root: Path) -> None:
    """Remove a root folder, also where its own folders are read-only."""
    if not root.exists():
        return
    if root.is_symlink():
        root.unlink()
        return
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    inside = str(root.absolute()).replace(" ", "\\040") + "/"
    if any(line.split(" ")[4].startswith(inside) for line in mounts.splitlines()):
        raise SetupError(f"Something is mounted below {root}: unmount it, then try again.")

    root.chmod(0o700)
    for folder, names, _ in os.walk(root):
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(root)


def mirror(source: Distribution) -> str:
    """The address of the mirror that this system's apt uses for `source`.  Raises SetupError."""
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(LABEL)"
    answer = subprocess.run(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    entries = [line.split("|") for line in answer.stdout.splitlines() if line.count("|") == 4]
    return choose_mirror(entries, source.origin, os_release().get("VERSION_CODENAME", ""))


def choose_mirror(entries: list[list[str]], origin: str, codename: str) -> str:
    """The first main archive of `origin` in (address, release, component, origin, label) entries.

    Before the first `apt-get update` apt knows no origins; then the system's own release in `main` must do.
    """
    known = [e for e in entries if e[2] == "main" and e[3] == origin and e[4] == origin]
    # The release itself before its updates, which an archive of their own may hold.
    known.sort(key=lambda e: "-" in e[1])
    unknown = [e for e in entries if e[2] == "main" and e[1] == codename and (not e[3] or e[3].startswith("$("))]
    for address, *_ in known + unknown:
        if not address.startswith("mirror+file:"):
            return address
        listed = Path(re.sub(r"^mirror\+file:/*", "/", address).rstrip("/"))
        for line in listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else ():
            if line.strip() and not line.startswith("#"):
                return line.split()[0]
    raise SetupError(
        f"No {origin} mirror is among apt's sources: add one to /etc/apt/sources.list.d, "
        "run `apt-get update`, then install.sh again."
    )


def _bootstrap(new: Path, suite: str, source: Distribution, address: str, log: Path) -> None:
    command = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}"]
    command += [f"--aptopt={line}" for line in _apt_options()]
    command += [f"--dpkgopt={rule}" for rule in _LEFT_OUT]
    if address.startswith(("file:", "copy:")):
        command.append("--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount")
    line = f"deb [signed-by={source.keyring}] {address} {suite} {source.components}"
    advice = f"Check that {address} can be reached and has {suite}, then run install.sh again."
    if is_root():
        # In a mount namespace, so that nothing stays mounted in the folder however this ends.
        command = ["unshare", "--mount", "--propagation", "private", *command]
        run([*command, suite, str(new), line], log, advice)
        return
    # Through tar, so that all files belong to the user, who can then remove them.
    archive = new.with_suffix(".tar")
    try:
        with archive.open("wb") as file:
            run([*command, "--mode=unshare", "--format=tar", suite, "-", line], log, advice, stdout=file)
        new.mkdir()
        unpack = ["tar", "-x", "--no-same-owner", "--exclude=./dev/*", "-C", str(new), "-f", str(archive)]
        run(unpack, log, "Make room on the disk, then run install.sh again.")
    finally:
        archive.unlink(missing_ok=True)


def _apt_options() -> list[str]:
    """The system's own settings for reaching its mirror (proxies, checks of dates)."""
    answer = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, timeout=60)
    wanted = re.compile(r'Acquire::(?:(?:https?|ftp)::\S+|Check-\S+|Retries|ForceIPv[46]) ".+";')
    own = [line for line in answer.stdout.splitlines() if wanted.fullmatch(line)]
    # A mirror of stored packages may be older than its Release file allows.
    return ['Acquire::Check-Valid-Until "false";', *own]


def _version(root: Path) -> str:
    names = [re.fullmatch(r"gimp-console-(3\.\d+)", path.name) for path in (root / "usr/bin").glob("gimp-console-3.*")]
    found = [name[1] for name in names if name]
    if not found:
        raise SetupError("The packages that were installed hold no GIMP 3.")
    return found[0]

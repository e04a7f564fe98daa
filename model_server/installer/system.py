# SPDX-License-Identifier: GPL-3.0-or-later
"""The system under the installation: programs, packages, messages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

LOG = "install.log"  # in the state folder: what the programs called here said


class SetupError(Exception):
    """The installation cannot go on: one sentence that says what to do."""


def say(text: str) -> None:
    """One line about what was done."""
    print(text, flush=True)


def run(
    command: Sequence[str],
    log: Path,
    advice: str,
    timeout: float = 1800,
    env: Mapping[str, str] | None = None,
    stdout: IO[bytes] | None = None,
) -> None:
    """Run a program, its words into `log`.  Raises SetupError with its last line and `advice` if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        file.write(f"\n$ {' '.join(command)}\n".encode())
        file.flush()
        start = file.tell()
        try:
            code = _wait(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=file if stdout is None else stdout,
                    stderr=file,
                    env=None if env is None else dict(env),
                ),
                timeout,
            )
        except OSError as error:
            raise SetupError(f"{command[0]} cannot be run ({error.strerror}): {advice}") from error
        except subprocess.TimeoutExpired:
            raise SetupError(f"{Path(command[0]).name} took more than {timeout / 60:.0f} minutes: {advice}") from None
    if code:
        lines = log.read_bytes()[start:].decode(errors="replace").split("\n")
        told = [line.strip() for line in lines if line.strip()]
        wrong = (
            [line for line in told if re.match(r"E:|error|fatal", line, re.IGNORECASE)] or told[-1:] or ["no message"]
        )
        name = Path(command[0]).name
        raise SetupError(f"{name} failed with code {code}: {wrong[0]}\n{advice}\nThe log is {log}.")


def _wait(process: subprocess.Popen[bytes], timeout: float) -> int:
    """The exit code.  A process that is late, or whose caller is interrupted, gets time to clean up."""
    try:
        return process.wait(timeout)
    except BaseException:
        process.terminate()
        try:
            process.wait(15)
        except BaseException:
            process.kill()
            process.wait()
        raise


def is_root() -> bool:
    """Whether packages can be installed without asking."""
    return os.geteuid() == 0


def os_release() -> dict[str, str]:
    """The fields of /etc/os-release."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return {}
    return {name: value.strip("\"'") for name, value in re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE)}


def is_debian_like() -> bool:
    """Debian, Ubuntu and what descends from them."""
    system = os_release()
    kin = {system.get("ID", ""), *system.get("ID_LIKE", "").split()}
    return bool(kin & {"debian", "ubuntu"}) and shutil.which("apt-get") is not None


def have(thing: str) -> bool:
    """Whether a program (by name) or a file (by absolute path, with wildcards) is there."""
    return any(Path("/").glob(thing[1:])) if thing.startswith("/") else shutil.which(thing) is not None


def need(things: Mapping[str, str], log: Path) -> list[str]:
    """Make sure that programs or files are there; `things` maps each to its Debian package.

    The superuser installs what is missing; for others SetupError says what the administrator must run.
    Returns the packages that were installed.
    """
    missing = sorted({package for thing, package in things.items() if not have(thing)})
    if not missing:
        return []
    names = " ".join(missing)
    if not is_debian_like():
        raise SetupError(
            f"These programs are missing: {names}. "
            "Install them with this system's package manager, then run install.sh again."
        )
    if not is_root():
        raise SetupError(
            "The administrator must run this first, then run install.sh again:\n"
            f"    apt-get update && apt-get install -y {names}"
        )
    install_packages(missing, log)
    return missing


def update_package_lists(log: Path) -> None:
    """`apt-get update`; a failing source of somebody else's does not matter, the installation will tell."""
    try:
        run(["apt-get", "-o", "DPkg::Lock::Timeout=300", "update"], log, "", timeout=300)
    except SetupError:
        say("Some package lists could not be updated; going on with those that are there.")


def install_packages(packages: Sequence[str], log: Path) -> None:
    """Install Debian packages as the superuser."""
    say(f"Installing system packages: {' '.join(packages)}")
    update_package_lists(log)
    run(
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", *packages],
        log,
        f"Run `apt-get install {' '.join(packages)}` to see why, then run install.sh again.",
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )


def offers_gimp() -> bool:
    """Whether the system's own packages hold a GIMP 3."""
    if not is_debian_like() or not shutil.which("apt-cache"):
        return False
    answer = subprocess.run(
        ["apt-cache", "policy", "gimp"], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    candidate = re.search(r"Candidate: (?:\d+:)?(\d+)\.", answer.stdout)
    return bool(candidate) and int(candidate[1]) >= 3  # type: ignore[index]

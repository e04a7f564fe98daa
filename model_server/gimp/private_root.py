# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program of a private root folder on the host's files.

The folder holds a small Debian with GIMP in it.  The program sees the host's file system at the same paths, so every
path of the user's means the same inside and outside; only the system's own folders come from the root folder.  It sees
the host's processes, network and display.  bubblewrap does this for every user; the superuser can do without.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

# These come from the root folder: programs, libraries, fonts, and the fonts' cache (another version's would be stale).
_SYSTEM = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/var/cache/fontconfig")
# Who and where we are stays the host's.
_IDENTITY = ("/etc/passwd", "/etc/group", "/etc/hosts", "/etc/machine-id")
# Point programs at the host's libraries, plug-ins, fonts, data, Python or locales, none of which fit the root folder.
_FOREIGN = re.compile(
    r"BABL_PATH|FONTCONFIG_.*|GDK_PIXBUF_.*|GEGL_PATH|GIMP3_(?!DIRECTORY).*|GIO_.*|GI_TYPELIB_PATH|GSETTINGS_SCHEMA_DIR"
    r"|GTK_(DATA|EXE|IM|MODULES|PATH).*|LANG|LANGUAGE|LC_.*|LD_.*|LOCPATH|PYTHONHOME|PYTHONPATH|VIRTUAL_ENV"
    r"|XDG_(CONFIG|DATA)_DIRS"
)

# The root folder has C.UTF-8 only, a locale in which gettext translates nothing.  Under another name it does, and it
# still writes numbers with a point.  The name is made in the view, so that no root folder need hold it.
_LOCALES = "/var/cache/gimp-saliency-locales"
_LOCALE = ("/usr/lib/locale/C.utf8", f"{_LOCALES}/en_US.utf8")

# For the superuser without bubblewrap: the same view by hand, on an empty folder of the root folder, in an own mount
# namespace, so that the host sees nothing of it and nothing is left behind.
_BY_HAND = """
set -e; new=$1; shift
mount -t tmpfs -o mode=755 gimp-saliency "$new"
while [ "$1" != -- ]; do
  case $1 in
    link) mkdir -p "$new$(dirname "$3")"; ln -s "$2" "$new$3" ;;
    *) if [ -d "$2" ]; then mkdir -p "$new$3"; fi
       mount --rbind "$2" "$new$3"
       if [ "$1" = read ]; then mount -o remount,bind,ro "$new$3"; fi ;;
  esac
  shift 3
done
shift
exec chroot "$new" /bin/sh -c 'cd "$0" 2>/dev/null || cd /; exec "$@"' "$PWD" "$@"
"""


class RootError(Exception):
    """The root folder cannot be used: one sentence that says what to do."""


def is_complete(root: Path) -> bool:
    """Whether `root` holds a GIMP."""
    return (root / "usr/bin/gimp-console").exists()


def wrap_command(root: Path, arguments: list[str]) -> list[str]:
    """The host command that runs `arguments` (an absolute program inside `root` first).  Raises RootError."""
    root = root.absolute()
    if not is_complete(root):
        raise RootError(f"There is no GIMP in {root}: run install.sh again.")
    view = list(_list_view(root))
    bubblewrap = shutil.which("bwrap")
    if bubblewrap:
        option = {"bind": "--dev-bind", "read": "--ro-bind", "link": "--symlink"}
        return [bubblewrap, *(part for kind, a, b in view for part in (option[kind], a, b)), "--", *arguments]
    if os.geteuid() == 0 and shutil.which("unshare"):
        hidden = [part for entry in view for part in entry]
        script = ["/bin/sh", "-c", _BY_HAND, "sh", str(root / "mnt"), *hidden, "--", *arguments]
        return [shutil.which("unshare") or "unshare", "--mount", "--propagation", "private", *script]
    raise RootError(
        "Running the private GIMP needs bubblewrap: ask the administrator for `apt-get install bubblewrap`."
    )


def adapt_environment(env: dict[str, str]) -> dict[str, str]:
    """`env` without what points at the host's system, with what the root folder has instead, in the user's language."""
    own = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANGUAGE": _read_language(env),
        "LC_ALL": "en_US.UTF-8",
        "LOCPATH": _LOCALES,
        "PYTHONNOUSERSITE": "1",
    }
    return {**{name: value for name, value in env.items() if not _FOREIGN.fullmatch(name)}, **own}


def _read_language(env: dict[str, str]) -> str:
    """The languages that the user wants messages in, as LANGUAGE names them."""
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    if re.match(r"(C|POSIX)\b", locale):
        return "C"  # in which LANGUAGE does not count
    return env.get("LANGUAGE") or re.sub(r"\.[^@]*", "", locale) or "C"


def _list_view(root: Path) -> Iterator[tuple[str, str, str]]:
    """(kind, source or link target, path inside) in the order of mounting; kind is bind, read or link."""
    yield from _list_host("/")
    for path in _SYSTEM:
        inside = root / path[1:]
        if inside.is_symlink():
            yield "link", str(inside.readlink()), path
        elif inside.is_dir():
            yield "read", str(inside), path
    for path in _IDENTITY:
        if Path(path).is_file() and (root / path[1:]).is_file() and not (root / path[1:]).is_symlink():
            yield "read", str(Path(path).resolve()), path
    yield "link", *_LOCALE


def _list_host(folder: str) -> Iterator[tuple[str, str, str]]:
    """The host's entries of `folder`, except the system's folders, which are taken from the root folder."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.path in (*_SYSTEM, _LOCALES):
            continue
        if entry.is_symlink():
            yield "link", str(Path(entry.path).readlink()), entry.path
        elif not entry.is_dir():
            continue
        elif any(path.startswith(entry.path + "/") for path in _SYSTEM):
            yield from _list_host(entry.path)
        else:
            yield "bind", entry.path, entry.path

# SPDX-License-Identifier: GPL-3.0-or-later
"""install.sh for real on other systems: `python -m tests.systems [NAME…]`, as root, with mmdebstrap and a network.

Each system is a root folder of its own.  In it: an older version is installed and used, then this one over it; the
installation is checked, edits a picture, and is removed; what lies in the home and the temporary folders is listed
before and after.  Minutes each.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from gimp_saliency.shared import places
from model_server.gimp import private_root
from model_server.installer import environment, root_folder

GIMP = tuple(root_folder.PACKAGES.split(","))


@dataclass(frozen=True)
class System:
    """suite: of Debian.  packages: what is there before install.sh.  ordinary: whether an ordinary user installs."""

    suite: str
    packages: tuple[str, ...] = ()
    ordinary: bool = False


SYSTEMS = {
    "debian-12": System("bookworm"),
    "debian-12-user": System("bookworm", ordinary=True),
    "debian-12-gimp-2.10": System("bookworm", ("gimp",)),
    "debian-12-gimp-2.10-user": System("bookworm", ("gimp",), ordinary=True),
    "debian-13": System("trixie", GIMP),
    "debian-13-user": System("trixie", GIMP, ordinary=True),
    "debian-13-without-gimp": System("trixie"),
    "debian-forky": System("forky", GIMP),
    "debian-forky-user": System("forky", GIMP, ordinary=True),
}

# Put the system's folder in place of this one's, as a machine of its own has it; nothing of it outlives the command.
_ENTER = """
set -e; lower=$1 work=$2 project=$3; shift 3
mkdir "$work/upper" "$work/overlay" "$work/root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/overlay" "$work/root"
cd "$work/root"
mount --rbind /dev dev
mount -t proc proc proc
mount --rbind /sys sys
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p 'opt/gimp saliency' old
mount --bind "$project" 'opt/gimp saliency'
mount -o remount,bind,ro 'opt/gimp saliency'
cp -L /etc/resolv.conf etc/resolv.conf
# This system's certificates, since a proxy may have some of its own.
if [ -n "${PIP_CERT:-}" ]; then cp -L "$PIP_CERT" etc/pip.crt; export PIP_CERT=/etc/pip.crt; fi
pivot_root . old
umount -l /old
exec "$@"
"""

_TRIAL = r"""
set -u
ordinary=$1 project='/opt/gimp saliency'
cd /
if [ "$ordinary" = 1 ]; then
    home="/home/h o'me"
    touch /etc/subuid /etc/subgid
    useradd --create-home --home-dir "$home" photographer
    as() { setpriv --reuid photographer --regid photographer --init-groups env HOME="$home" USER=photographer "$@"; }
else
    home=/root
    as() { env HOME="$home" USER=root "$@"; }
fi
failed=0
passed() { echo "  ok      $1"; }
wrong() { echo "  FAILED  $1"; failed=1; }
judge() { if [ "$1" = 0 ]; then passed "$2"; else wrong "$2"; sed 's/^/          /' /said; fi; }
listing() {
    find "$home" /tmp /var/tmp -mindepth 1
    find / -xdev -name '*saliency*' -not -path '/older/*' -not -path '/opt/*'
}

# What the administrator must run is what install.sh says.
installs() {
    local folder=$1 round
    for round in 1 2 3 4; do
        as timeout 900 "$folder/install.sh" > /said 2>&1 && return 0
        command=$(sed -n 's/^    \(apt-get .*\)/\1/p' /said)
        if [ "$ordinary" = 0 ] || [ -z "$command" ]; then
            tail -n 15 "$home/.local/state/gimp-saliency/install.log" >> /said 2>&1
            return 1
        fi
        echo "          the administrator runs: $command"
        DEBIAN_FRONTEND=noninteractive sh -c "$command" > /said 2>&1 || return 1
    done
    return 1
}
ours() { as timeout 300 "$home/.local/bin/gimp-saliency" "$@" > /said 2>&1; }

# A GIMP that is there has run before, so that what it makes at its first start is there, too.
for console in gimp-console-3.0 gimp-console-3.2; do
    if command -v $console > /dev/null; then
        as timeout 60 $console -idf --batch-interpreter python-fu-eval -b pass --quit > /said 2>&1
    fi
done
if command -v gimp-console-2.10 > /dev/null; then
    as timeout 60 gimp-console-2.10 -idf -b '(gimp-quit 0)' > /said 2>&1
fi
mkdir /older
cp -r "$project"/{install.sh,pyproject.toml,README.md,LICENSE,docs,model_server,plugin} /older
sed -i 's/^VERSION = .*/VERSION = "0.0.9"/' /older/plugin/saliency/gimp_saliency/shared/version.py
echo '# of an older version' > /older/plugin/saliency/gimp_saliency/left_over.py
mkdir -m 777 /pictures
listing | sort -u > /before

began=$SECONDS
installs /older; judge $? "an older version is installed ($((SECONDS - began)) s)"
[ $failed = 0 ] || exit 1
as "$home/.local/share/gimp-saliency/venv/bin/python" - > /said 2>&1 <<'PYTHON'
import os
from PIL import Image, ImageDraw
os.makedirs("/pictures/masks")
Image.radial_gradient("L").resize((640, 480)).convert("RGB").save("/pictures/my photo.png")
mask = Image.new("L", (640, 480))
ImageDraw.Draw(mask).ellipse((200, 150, 380, 300), fill=255)
mask.save("/pictures/masks/my photo.png")
PYTHON
ours batch /pictures /pictures/older --masks /pictures/masks --direction attenuate; judge $? "it edits a picture"
ours status; grep -q '^version: 0.0.9' /said; judge $? "its server runs"

began=$SECONDS
installs "$project"; judge $? "this version is installed over it ($((SECONDS - began)) s)"
using=$(sed -n 's/^Using \(.*\)\.$/\1/p' /said)
[ -z "$(find "$home" -name left_over.py)" ]; judge $? "nothing of the older plug-in is left"
ours check; judge $? "gimp-saliency check"
sed 's/^/          /' /said
ours batch /pictures /pictures/out --masks /pictures/masks --direction emphasize; judge $? "it edits a picture"
ours stop
ours gimp --console -i -d -f --batch-interpreter python-fu-eval -b "$EDIT" --quit
grep -q '^worked$' /said; judge $? "the plug-in starts the server and edits"

as "$project/install.sh" --uninstall > /said 2>&1; judge $? "uninstall"
sed -n 's/^\(These system packages.*\)/          \1/p' /said
listing | sort -u > /after
# What GIMP makes for itself when it is installed (.ssh) or starts for the first time is no trace of ours.
gimps='(/tmp/gimp(/.*)?|/[.](ssh|config(/GIMP.*)?|cache(/(gimp|gegl|babl|fontconfig|mesa).*)?|local(/share(/gegl.*)?)?))$'
diff /before /after | grep '^[<>]' | awk -v gimps="$gimps" '/saliency/ || /^</ || $0 !~ gimps' > /said
[ ! -s /said ]; judge $? "the same files as before, but for GIMP's own"
processes=(/proc/[0-9]*)  # in a process namespace of its own: this shell alone
[ ${#processes[@]} = 1 ]; judge $? "no process is left"
echo "  $using"
exit $failed
"""

_EDIT = """
import gi
gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path("/pictures/my photo.png"))
image.select_ellipse(Gimp.ChannelOps.REPLACE, 200, 150, 180, 150)
procedure = Gimp.get_pdb().lookup_procedure("plug-in-saliency-attenuate")
config = procedure.create_config()
config.set_property("image", image)
config.set_core_object_array("drawables", image.get_layers())
answer = procedure.run(config)
print("worked" if answer.index(0) == Gimp.PDBStatusType.SUCCESS else answer.index(1))
"""

# What it takes to reach the network from here.
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "PIP_CERT", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT")


def main() -> int:
    """Try the systems that are named, else all; 0 if everything worked."""
    parser = argparse.ArgumentParser(prog="python -m tests.systems", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SYSTEMS)} (default: all)")
    names: list[str] = parser.parse_args().names or list(SYSTEMS)
    unknown = set(names) - SYSTEMS.keys()
    if unknown or os.geteuid():
        print("Run this as root." if os.geteuid() else f"There is no {', '.join(unknown)}.", file=sys.stderr)
        return 2
    failed = []
    with tempfile.TemporaryDirectory(prefix="gimp-saliency-", dir="/var/tmp") as folder:
        for name in names:
            print(f"{name}:", flush=True)
            began = time.monotonic()
            if not tried(SYSTEMS[name], Path(folder)):
                failed.append(name)
            print(f"  {time.monotonic() - began:.0f} s\n", flush=True)
    print(f"failed: {', '.join(failed)}" if failed else "All worked.")
    return 1 if failed else 0


def tried(system: System, folder: Path) -> bool:
    """Whether everything works on a system."""
    lower = base(system, folder)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=folder) as work:
        env = {name: value for name, value in os.environ.items() if name.lower() in map(str.lower, _PASSED_ON)}
        env.update(PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG="C.UTF-8", EDIT=_EDIT)
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        project = environment.sources(Path(work))
        shutil.copy(environment.PROJECT / "install.sh", project)
        enter = ["sh", "-c", _ENTER, "sh", str(lower), work, str(project)]
        trial = ["bash", "-c", _TRIAL, "bash", str(int(system.ordinary))]
        return subprocess.run([*own, *enter, *trial], env=env, stdin=subprocess.DEVNULL, timeout=3600).returncode == 0


def base(system: System, folder: Path) -> Path:
    """A root folder with the system as it is before; the tests' own where they fit."""
    for version, suite in (("3.0", "trixie"), ("3.2", "forky")):
        kept = places.cache_folder() / f"gimp-{version}"
        if system.packages == GIMP and system.suite == suite and private_root.is_complete(kept):
            return kept
    root = folder / "-".join((system.suite, *system.packages))
    if not root.exists():
        source = root_folder.DEBIAN
        line = f"deb [signed-by={source.keyring}] {root_folder.mirror(source)} {system.suite} {source.components}"
        include = ",".join((source.keyring_package, *system.packages))
        command = ["mmdebstrap", "--variant=minbase", "--quiet", f"--include={include}"]
        command += ['--aptopt=Acquire::Check-Valid-Until "false"', system.suite, str(root), line]
        subprocess.run(["unshare", "--mount", "--propagation", "private", *command], check=True, timeout=1800)
    return root


if __name__ == "__main__":
    sys.exit(main())

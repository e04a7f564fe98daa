#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs gimp-saliency for this user.  Finds a Python and leaves the rest to model_server/installer.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: ./install.sh [--demo [--output DIR] | --check | --test [-- PYTEST-ARGUMENT…] | --uninstall | --help]

Installs gimp-saliency for this user: finds GIMP 3 (or gets one), makes the model server's virtual
environment, copies the plug-in into GIMP's profiles, and asks GIMP whether it knows it.
It can be run again at any time, after an update for instance.

  --demo        install, then edit sample photographs and say where the pictures are
  --output DIR  where --demo puts them (default: gimp-saliency-demo in the current folder)
  --check       check the sources and run the tests that need no GIMP (minutes)
  --test        run the test suite, with GIMP 3.0 and 3.2 (builds both, in the cache folder)
  --uninstall   remove all that this script made (not the system packages, which it names)
  --help        show this text

As root it installs the system packages that it needs with apt-get; as another user it says which
command the administrator must run.  The system's package sources are never changed.
TEXT
}

fail() { echo "install.sh: $1" >&2; exit "${2:-1}"; }

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
action=install output='' rest=()
while [ $# -gt 0 ]; do
    case $1 in
        --demo | --check | --test | --uninstall)
            [ "$action" = install ] || fail "--$action and $1 cannot be done at once; choose one." 2
            action=${1#--} ;;
        --output) [ $# -gt 1 ] || fail "--output needs a folder." 2
            output=$2; shift ;;
        --output=*) output=${1#*=} ;;
        --help | -h) usage; exit 0 ;;
        --) shift; rest=("$@"); break ;;
        *) usage >&2; fail "$1 is no option of install.sh." 2 ;;
    esac
    shift
done
[ -z "$output" ] || [ "$action" = demo ] || fail "--output belongs to --demo." 2
[ ${#rest[@]} -eq 0 ] || [ "$action" = test ] || [ "$action" = check ] || fail "Arguments after -- belong to --test or --check." 2
[ -n "${HOME:-}" ] || fail "HOME is not set: set it to your home folder."

# A Python from 3.9 on; all but --uninstall also need its venv module.
python_works() {
    local modules=venv,ensurepip
    [ "$action" != uninstall ] || modules=json
    command -v "$1" >/dev/null && "$1" -c "import sys, $modules; sys.exit(sys.version_info < (3, 9))" 2>/dev/null
}
find_python() {
    local name
    for name in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10 python3.9; do
        if python_works "$name"; then command -v "$name"; return; fi
    done
    return 1
}

packages=''
if ! python=$(find_python); then
    packages='python3 python3-venv'
    command -v apt-get >/dev/null || fail "Python 3.9 or newer with its venv module is missing: install it, then run install.sh again."
    if [ "$(id -u)" != 0 ]; then
        fail "The administrator must run this first, then run install.sh again:
    apt-get update && apt-get install -y $packages"
    fi
    echo "Installing system packages: $packages"
    # shellcheck disable=SC2086  # two words
    if ! said=$(exec 2>&1; apt-get update; DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages); then
        echo "$said" >&2
        fail "apt-get could not install $packages: see above."
    fi
    python=$(find_python) || fail "This system's Python is older than 3.9: install a newer one, then run install.sh again."
fi

arguments=("$action" "--started-in=$PWD" "--packages=$packages")
[ -z "$output" ] || arguments+=("--output=$output")
for argument in ${rest[@]+"${rest[@]}"}; do arguments+=("--pytest=$argument"); done
cd -- "$here"
exec env -u PYTHONPATH -u PYTHONHOME "$python" -B -m model_server.installer "${arguments[@]}"

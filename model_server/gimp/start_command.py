# SPDX-License-Identifier: GPL-3.0-or-later
"""How the model server is started, from here and from wherever a GIMP runs.

In a private GIMP the server's virtual environment does not run, and in a Flatpak the host's files are elsewhere.  The
plug-in's command handles the three cases; in the private GIMP it leaves a request in the runtime folder, and
`StartRequests` here, on the host, starts the server when it sees the request.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

# Set in a GIMP that cannot start the server itself, whose plug-in is to leave a request.
REQUEST_VARIABLE = "GIMP_SALIENCY_REQUEST"

_POLL = 0.1  # seconds between two looks for a request

# What a Flatpak starts on the host gets none of its variables but those that are named.
_SCRIPT = (
    'if [ -n "${GIMP_SALIENCY_REQUEST:-}" ]; then : > "$GIMP_SALIENCY_RUNTIME/start"; '
    "elif [ -e /.flatpak-info ]; then "
    'exec flatpak-spawn --host "--env=GIMP_SALIENCY_RUNTIME=$GIMP_SALIENCY_RUNTIME" "$@"; else exec "$@"; fi'
)


def own_command() -> list[str]:
    """The command that runs `gimp-saliency serve` of this very package, whatever the working folder is."""
    package = str(Path(__file__).resolve().parents[2])
    code = f"import sys; sys.path.insert(0, {package!r}); from model_server.__main__ import main; sys.exit(main())"
    return [sys.executable, "-c", code, "serve"]


def plugin_command(executable: Sequence[str] | None = None) -> list[str]:
    """The command for a plug-in's server-command.json.

    executable: `gimp-saliency` with its arguments up to the verb; default: this package, where it is installed.
    It works wherever GIMP runs, since a native and a Flatpak GIMP may share a profile folder.
    """
    return ["/bin/sh", "-c", _SCRIPT, "gimp-saliency", *(executable or [sys.executable, "-m", "model_server"]), "serve"]


class StartRequests:
    """A context in which the server is started on the host whenever the plug-in asks for it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """env: the server's environment; the requests come into its $GIMP_SALIENCY_RUNTIME."""
        self._env = env
        self._request = Path(env["GIMP_SALIENCY_RUNTIME"]) / "start"
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="server start requests", daemon=True)

    def __enter__(self) -> None:
        self._request.unlink(missing_ok=True)
        self._watcher.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watcher.join(2)

    def _watch(self) -> None:
        while not self._ended.wait(_POLL):
            try:
                self._request.unlink()
            except OSError:
                continue  # no request, or another watcher took it
            subprocess.Popen(
                own_command(),
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd=Path(__file__).anchor,  # no module of the working folder's takes a library's place
            )

# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped networks: their manifest, their files, and each one in onnxruntime once somebody asks for it.

What the networks and their files are is written in networks/MODEL_CARD.md; training/export.py wrote them.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Nothing leaves this machine: onnxruntime would collect and send what it was used for.  It looks once, at its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from model_server.predict.canvas import Format
from model_server.predict.errors import NO_MEMORY, REINSTALL, NetworkError, is_shortage
from model_server.predict.vector import PREDICTED, Vocabulary

NETWORKS = Path(__file__).parents[1] / "networks"


@dataclass
class _Network:
    """A file as the manifest has it, and what onnxruntime made of it.

    intact: which file it was when its sha256 was right.
    """

    path: Path
    size: int  # in bytes
    sha256: str
    intact: tuple[int, ...] = ()
    session: onnxruntime.InferenceSession | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> bytes:
        """The file.  Raises NetworkError if it is missing, or has another sha256 than the manifest says."""
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                content = file.read()
        except OSError as error:
            raise NetworkError(f"The network {self.path} is missing; {REINSTALL}") from error
        identity = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
        if identity != self.intact:  # the sum of all files is a thirtieth of what the first answer waits for
            if hashlib.sha256(content).hexdigest() != self.sha256:
                raise NetworkError(f"The network {self.path} is not the one that the manifest names; {REINSTALL}")
            self.intact = identity
        return content

    def load(self) -> onnxruntime.InferenceSession:
        """The network, on one CPU thread.  Raises NetworkError."""
        with self.lock:
            if self.session is None:
                try:
                    self.session = _open_session(self.read())
                except NetworkError:
                    raise
                except Exception as error:  # onnxruntime has no common base for what it raises here
                    if is_shortage(error):
                        raise NetworkError(NO_MEMORY) from error
                    raise NetworkError(f"onnxruntime cannot load {self.path}; {REINSTALL}") from error
            return self.session


class Networks:
    """The networks of a folder by their files' names, each loaded when it is first asked for.  Thread-safe.

    words: what the edit network predicts.  format: of the pictures that all of them take.
    model: name, version and beginning of the sha256 of the edit network, for people.
    """

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        """Read the manifest.  pool: whose threads read and load several files at once.  Raises NetworkError."""
        self._pool = pool
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            self.format = Format.from_json(manifest["input"])
            self.words = Vocabulary.from_json(manifest["predicts"]) if "predicts" in manifest else PREDICTED
            self._networks = {
                name: _Network(folder / name, int(facts["bytes"]), str(facts["sha256"]))
                for name, facts in manifest["files"].items()
            }
            self.model = _name_model(manifest["name"], manifest["version"], self._networks["edit.onnx"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged_manifest(folder) from error
        self._folder = folder
        self._manifest = manifest

    def has(self, name: str) -> bool:
        """Whether the manifest names this file: an older one does not name the networks of newer tools."""
        return name in self._networks

    def name_model(self, tool: str, file: str) -> str:
        """What `model` is for the edit network, for the one of another tool.  Raises NetworkError."""
        try:
            return _name_model(tool, self._manifest[tool]["version"], self._networks[file])
        except (KeyError, TypeError) as error:
            raise _damaged_manifest(self._folder) from error

    def check(self, names: Iterable[str]) -> None:
        """Raises NetworkError unless the manifest names these files and they are what it says of them."""
        try:
            chosen = [self._networks[name] for name in names]
        except KeyError as error:
            raise _damaged_manifest(self._folder) from error
        for _ in self._pool.map(_Network.read, chosen):
            pass

    def load(self, names: Iterable[str]) -> dict[str, onnxruntime.InferenceSession]:
        """Networks that have passed `check`, several loaded at once.  Raises NetworkError.

        Not to be called by the pool's own threads, which would wait for themselves.
        """
        chosen = {name: self._networks[name] for name in names}
        missing = [network for network in chosen.values() if network.session is None]
        if len(missing) > 1:
            try:
                for _ in self._pool.map(_Network.load, missing):
                    pass
            except RuntimeError as error:  # there is no room for a thread
                raise NetworkError(NO_MEMORY) from error
        return {name: network.load() for name, network in chosen.items()}

    def session(self, name: str) -> onnxruntime.InferenceSession:
        """A network that has passed `check`, for any thread.  Raises NetworkError."""
        return self._networks[name].load()

    def describe(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Size and beginning of the sha256 of each, for people."""
        chosen = ((name, self._networks[name]) for name in names)
        return {name: {"bytes": network.size, "sha256": network.sha256[:8]} for name, network in chosen}


def _name_model(name: str, version: int, network: _Network) -> str:
    return f"{name}-{version} ({network.sha256[:8]})"


def _damaged_manifest(folder: Path) -> NetworkError:
    return NetworkError(f"The networks' manifest in {folder} cannot be read; {REINSTALL}")


def _open_session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Ten sessions, each keeping an arena of its largest request, would double the server's memory.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

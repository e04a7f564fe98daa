# SPDX-License-Identifier: GPL-3.0-or-later
"""Places that are no folders of this machine, by fsspec's URLs: s3://, sftp://, gcs://, memory://, …

Only for runs on a cluster: fsspec comes with Dask.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

from model_server.batch.failures import BatchError, JobError

_LOCAL = ("file", "local")  # kinds of URLs without a host


class RemotePath(PurePosixPath):
    """A file or folder by its URL, which goes wherever a path goes."""

    @property
    def url(self) -> str:
        """With the slashes that a path has lost: two, or three where no host is named."""
        path = super().__str__()
        kind, _colon, rest = path.partition(":/")
        return f"{kind}://{'/' if kind in _LOCAL else ''}{rest}"

    def __str__(self) -> str:
        return self.url

    def absolute(self) -> RemotePath:
        """Itself."""
        return self

    def resolve(self) -> RemotePath:
        """Itself."""
        return self

    def is_dir(self) -> bool:
        """Whether it may be a folder: nobody asks for its files."""
        return True

    def is_symlink(self) -> bool:
        """Never."""
        return False

    def exists(self) -> bool:
        """Whether there is such a file."""
        system, path = self._open()
        return bool(system.exists(path))

    def is_file(self) -> bool:
        """Whether it is one."""
        system, path = self._open()
        return bool(system.isfile(path))

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """What is in the file.  Raises OSError."""
        system, path = self._open()
        return str(system.cat_file(path).decode(encoding, errors))

    def write_text(self, text: str) -> None:
        """Let this be the file's content, all or nothing.  Raises JobError."""
        with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as folder:
            file = Path(folder, "text")
            file.write_text(text, encoding="utf-8")
            self.store(file)

    def describe(self) -> str:
        """What tells one version of the file from another; empty if there is none."""
        system, path = self._open()
        system.invalidate_cache()
        try:
            info = system.info(path)
        except FileNotFoundError:
            return ""
        version = next((info[key] for key in ("ETag", "mtime", "LastModified", "created") if key in info), "")
        return f"{version} {info.get('size')}"

    def fetch(self, folder: Path) -> Path:
        """Copy the file into a folder; the copy's path.  Raises JobError."""
        copy = folder / self.name
        system, path = self._open()
        try:
            system.get_file(path, str(copy))
        except Exception as error:  # each kind of storage has its own
            raise JobError(f"{self} cannot be fetched ({error!r:.100}): try again with --resume.") from error
        return copy

    def store(self, file: Path) -> None:
        """Let this be a copy of a file, all or nothing.  Raises JobError."""
        system, path = self._open()
        part = f"{path.rpartition('/')[0]}/.gimp-saliency-{os.getpid()}-{file.name}"
        try:
            system.makedirs(path.rpartition("/")[0], exist_ok=True)
            system.put_file(str(file), part)
            system.mv(part, path)
        except Exception as error:  # as above
            raise JobError(f"{self} cannot be written ({error!r:.100}): try again with --resume.") from error

    def scan(self, prefix: str) -> Iterator[RemoteEntry]:
        """What is in a sub-folder.  Raises BatchError."""
        try:
            system, path = self._open()
            where = f"{path}/{prefix}".rstrip("/")
            for info in system.ls(where, detail=True):
                yield RemoteEntry(info["name"].rstrip("/").rpartition("/")[2], info["type"], info["name"])
        except BatchError:
            raise
        except Exception as error:  # as above
            message = f"{self}/{prefix} cannot be read ({error!r:.100}); name a folder that you can open."
            raise BatchError(message) from error

    def _open(self) -> tuple[Any, str]:
        """The file system and the path in it.  Raises BatchError where there is none of this kind."""
        from fsspec.core import url_to_fs

        try:
            system, path = url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise BatchError(f"{self} cannot be opened ({error}).") from error
        return system, path


class RemoteEntry(NamedTuple):
    """What `os.scandir` would say of a file."""

    name: str
    type: str
    path: str

    def is_file(self) -> bool:
        """Whether it is one."""
        return self.type == "file"

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a folder."""
        return self.type == "directory"


def parse_place(text: str) -> Path:
    """A path, or what passes for one of a URL."""
    return cast(Path, RemotePath(text)) if "://" in text else Path(text)


def is_remote(path: object) -> bool:
    """Whether a path is that of a URL."""
    return isinstance(path, RemotePath)


def describe(path: Path) -> str:
    """What tells one version of a file from another; empty if there is none."""
    if isinstance(path, RemotePath):
        return path.describe()
    try:
        status = path.stat()
    except FileNotFoundError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size}"

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the installation made, kept for --uninstall: install.json in the data folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gimp_saliency.shared import places


@dataclass
class Record:
    """Paths as text."""

    packages: list[str] = field(default_factory=list)  # system packages, which stay
    plugins: list[str] = field(default_factory=list)  # folders of the plug-in's copies
    made: list[str] = field(default_factory=list)  # folders that were not there before, parents first
    links: list[str] = field(default_factory=list)
    flatpak: dict[str, list[str]] = field(default_factory=dict)  # permissions added: section → values

    def add(self, name: str, *values: str) -> None:
        """Append to one of the lists what it does not hold yet."""
        known: list[str] = getattr(self, name)
        known.extend(value for value in values if value not in known)

    def will_make(self, folder: Path) -> None:
        """Note which of a folder's parents, and the folder, are about to be made."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        self.add("made", *(str(path) for path in reversed(missing)))

    def save(self) -> None:
        """Write install.json, in place of the older one."""
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        new.replace(path)


def load() -> Record:
    """The record of earlier installations; an empty one where there is none or it is unreadable."""
    try:
        values = json.loads(_path().read_text(encoding="utf-8"))
        return Record(**{name: values[name] for name in asdict(Record()) if name in values})
    except (OSError, ValueError, TypeError):
        return Record()


def _path() -> Path:
    return places.data_folder() / "install.json"

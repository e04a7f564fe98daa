# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample photographs for the demonstration: those that scikit-image's wheel brings along (public domain or CC0)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from gimp_saliency.shared import places

REQUIREMENT = "scikit-image>=0.17"  # from here on the four photographs are in the wheel
_FOLDER = "skimage/data/"


class SamplesError(Exception):
    """The photographs cannot be had: one sentence that says what to do."""


def fetch(names: Iterable[str]) -> dict[str, Path]:
    """The path in the cache folder of each sample photograph; scikit-image's wheel is fetched once, by pip.

    Raises SamplesError when pip cannot fetch it or a photograph is not in it.
    """
    folder = places.cache_folder() / "samples"
    wanted = {name: folder / name for name in names}
    if any(not path.is_file() for path in wanted.values()):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="gimp-saliency-") as temporary:
            _unpack(_download_wheel(Path(temporary)), wanted)
    return wanted


def _download_wheel(folder: Path) -> Path:
    """scikit-image's wheel, fetched into the folder.  Raises SamplesError."""
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--quiet"]
    # Any Python's wheel would do, but pip chooses among those for this one; nothing of it is installed or run.
    command += ["--no-cache-dir", "--no-deps", "--only-binary=:all:", "--dest", str(folder), REQUIREMENT]
    try:
        done = subprocess.run(
            command, env={**os.environ, "PYTHONNOUSERSITE": "1"}, capture_output=True, text=True, timeout=600
        )
    except subprocess.TimeoutExpired:
        raise SamplesError("pip did not fetch the sample photographs in ten minutes: check the network.") from None
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SamplesError(f"pip cannot fetch the sample photographs ({last}): check the network and pip's settings.")
    return wheels[0]


def _unpack(wheel: Path, wanted: dict[str, Path]) -> None:
    """Write the wanted photographs of a wheel, each to its path.  Raises SamplesError."""
    with zipfile.ZipFile(wheel) as archive:
        for name, path in wanted.items():
            try:
                content = archive.read(_FOLDER + name)
            except KeyError:
                raise SamplesError(f"{wheel.name} has no {name}: use another version of scikit-image.") from None
            new = path.with_name(f".{name}.new")
            new.write_bytes(content)
            new.replace(path)

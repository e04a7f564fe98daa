# SPDX-License-Identifier: GPL-3.0-or-later
"""What is handed out for systems without install.sh: the plug-in's zip and the server's wheel, installed by hand."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest

from gimp_saliency.shared import version
from model_server.gimp.plugin_copy import find_missing_procedures, list_files
from model_server.gimp.running import run_script
from model_server.installer import packages
from tests.conftest import GimpForTests


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack as the systems' own programs do, which set the modes that a zip holds; the plug-in's folder."""
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            Path(opened.extract(entry, folder)).chmod(entry.external_attr >> 16 & 0o777)
    return folder / "saliency"


def test_the_zip_holds_all_that_the_plugin_needs(tmp_path: Path) -> None:
    folder = unpack(packages.plugin_zip(tmp_path), tmp_path)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {*list_files(), "INSTALL.txt", "LICENSE"}
    assert "manual.md" in found and "gimp_saliency/locale/fr/LC_MESSAGES/saliency.mo" in found
    executable = [path.name for path in folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o111]
    assert executable == ["saliency.py"]  # without which GIMP passes over it
    assert f"gimp_saliency-{version.VERSION}-py3-none-any.whl" in (folder / "INSTALL.txt").read_text()


def test_the_same_sources_give_the_same_zip(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, again = packages.plugin_zip(tmp_path), packages.plugin_zip(tmp_path / "again")
    assert first.read_bytes() == again.read_bytes()


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The wheel in a virtual environment of its own and the zip unpacked, in a home with spaces.

    The environment borrows numpy and the others from this one, so that no network is needed.
    """
    folder = tmp_path_factory.mktemp("h o'me ")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip's way to say: build with the setuptools that is here
        wheel = packages.server_wheel(folder)
        (folder / "again").mkdir()
        assert packages.server_wheel(folder / "again").read_bytes() == wheel.read_bytes()
    venv = folder / "my venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=60)
    site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(venv)}))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "install", "--quiet", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--ignore-installed", str(wheel)], check=True, timeout=120, cwd=folder)
    with tempfile.TemporaryDirectory(prefix="gs-") as run:  # short, as a socket's path must be
        yield {
            "home": folder,
            "wheel": wheel,
            "site": site,
            "program": venv / "bin/gimp-saliency",
            "plugin": unpack(packages.plugin_zip(folder), folder / "plug-ins"),
            "run": Path(run),
        }


# What the plug-in does when it needs the server, without GIMP.
ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from gimp_saliency.shared.client import lifecycle, questions
from gimp_saliency.shared.request import EditRequest
answer = questions.ask_edits(bytes(range(256)) * 64, 64, 64, EditRequest("attenuate"))
print(json.dumps({"edits": answer["edits"], "health": lifecycle.ask_health(), "stopped": lifecycle.stop()}))
"""


@pytest.mark.thorough
@pytest.mark.parametrize("tcp", ["", "1"])
@pytest.mark.parametrize("found_by", ["PATH", "settings"])
def test_a_plugin_unpacked_by_hand_finds_the_server_that_pip_installed(
    by_hand: dict[str, Path], found_by: str, tcp: str, tmp_path: Path
) -> None:
    env = {
        "HOME": str(by_hand["home"]),
        "PATH": f"{by_hand['program'].parent}:/usr/bin:/bin" if found_by == "PATH" else "/usr/bin:/bin",
        "GIMP_SALIENCY_RUNTIME": str(by_hand["run"] / found_by),
        "GIMP_SALIENCY_TCP": tcp,
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    if found_by == "settings":
        (tmp_path / "gimp-saliency").mkdir()
        line = f"[server]\nprogram = {by_hand['program']}\n"
        (tmp_path / "gimp-saliency/settings.ini").write_text(line)
    command = [sys.executable, "-I", "-c", ASK, str(by_hand["plugin"])]
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [edit["name"] for edit in said["edits"]]
    assert said["health"]["version"] == version.VERSION and said["health"]["state"] == "ready"
    assert {"edit.onnx", "saliency.onnx", "realism.onnx"} <= said["health"]["networks"].keys()
    assert said["stopped"]


@pytest.mark.thorough
def test_the_wheel(by_hand: dict[str, Path]) -> None:
    metadata = next(by_hand["site"].glob("gimp_saliency-*.dist-info")) / "METADATA"
    facts = Parser().parsestr(metadata.read_text(encoding="utf-8"))
    needs = [need for need in facts.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert needs == ["numpy", "onnxruntime", "pillow", "tqdm"]
    said = subprocess.run([str(by_hand["program"]), "--version"], capture_output=True, text=True, timeout=60)
    assert said.stdout == f"gimp-saliency {version.VERSION}\n"
    code = "import model_server.serve.process as s, sys; print(s.__file__)"
    python = by_hand["program"].with_name("python")
    where = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, timeout=60).stdout
    assert Path(where.strip()).is_relative_to(by_hand["site"])


@pytest.mark.thorough
def test_what_is_installed_is_small(by_hand: dict[str, Path]) -> None:
    ours = [by_hand["plugin"], by_hand["site"] / "model_server", by_hand["site"] / "gimp_saliency"]
    sizes = [sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) for folder in ours]
    networks = sum(path.stat().st_size for path in (by_hand["site"] / "model_server/networks").iterdir())
    print(f"plug-in and server {sum(sizes) / 1e6:.1f} MB, of which the networks {networks / 1e6:.1f} MB")
    assert sum(sizes) <= 25e6 and networks <= 20e6


@pytest.mark.thorough
@pytest.mark.parametrize("tcp", ["", "1"])
def test_an_edit_in_gimp(by_hand: dict[str, Path], gimp: GimpForTests, tcp: str, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    unpack(next(by_hand["home"].glob("*.zip")), profile / "plug-ins")
    env = {
        **gimp.env,
        "GIMP3_DIRECTORY": str(profile),
        "GIMP_SALIENCY_RUNTIME": str(by_hand["run"] / "gimp"),
        "GIMP_SALIENCY_TCP": tcp,
    }
    env.pop("PYTHONPATH", None)
    assert find_missing_procedures(gimp.gimp, profile) == []
    # A private GIMP cannot start programs of the host's, so it finds this one running.
    with subprocess.Popen([str(by_hand["program"]), "serve"], env=env, cwd=tmp_path) as server:
        try:
            assert run_script(gimp.gimp, EDIT, env=env) == "SUCCESS"
            assert (by_hand["run"] / "gimp/server.sock").exists() == (not tcp)
        finally:
            server.terminate()


EDIT = """
import time
import gi
gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp
image = Gimp.Image.new(128, 96, Gimp.ImageBaseType.RGB)
layer = Gimp.Layer.new(image, "photo", 128, 96, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
image.insert_layer(layer, None, 0)
layer.get_buffer().set(Gegl.Rectangle.new(0, 0, 128, 96), "R'G'B' u8", bytes(i * 7 % 251 for i in range(128 * 96 * 3)))
image.select_ellipse(Gimp.ChannelOps.REPLACE, 30, 20, 60, 50)
procedure = Gimp.get_pdb().lookup_procedure("plug-in-saliency-attenuate")
config = procedure.create_config()
config.set_property("image", image)
config.set_core_object_array("drawables", image.get_layers())
answer = procedure.run(config)
worked = answer.index(0) == Gimp.PDBStatusType.SUCCESS
result = ("SUCCESS" if len(image.get_layers()) > 1 else "no layers") if worked else answer.index(1)
"""

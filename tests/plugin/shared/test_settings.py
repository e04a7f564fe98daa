# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings' file: whatever is in it, the plug-in and the server work."""

from __future__ import annotations

from pathlib import Path

import pytest

from gimp_saliency.shared import settings
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.settings import Settings


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings' file, in a folder of the test's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("FLATPAK_ID", raising=False)
    return tmp_path / "gimp-saliency" / "settings.ini"


def test_saved_is_loaded(file: Path) -> None:
    assert settings.load() == Settings() == Settings(idle_minutes=10)
    settings.save(Settings(25))
    assert settings.load() == Settings(25)
    assert file.read_text() == "[server]\nidle-minutes = 25\n\n"
    assert [path.name for path in file.parent.iterdir()] == ["settings.ini"]


@pytest.mark.parametrize(
    ("content", "minutes"),
    [
        (b"[server]\nidle-minutes = 1440\n", 1440),
        (b"[server]\nIdle-Minutes: 1 \n# more\n[other]\n", 1),
        (b"", 10),
        (b"[server]", 10),
        (b"[server]\nidle-minutes", 10),
        (b"[server]\nidle-minutes =", 10),
        (b"[server]\nidle-minutes = 0", 10),
        (b"[server]\nidle-minutes = 1441", 10),
        (b"[server]\nidle-minutes = 2.5", 10),
        (b"[server]\nidle-minutes = %(x)s", 10),
        (b"[server]\nidle-minutes = " + b"9" * 5000, 10),
        (b"[server]\n[server]\nidle-minutes = 5", 10),
        (b"idle-minutes = 5", 10),
        (b"\xff\xfe\0", 10),
    ],
)
def test_nonsense_is_the_default(file: Path, content: bytes, minutes: int) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert settings.load() == Settings(minutes)
    settings.save(Settings(30))
    assert settings.load() == Settings(30)


def test_a_windows_size_is_kept_beside_the_rest(file: Path) -> None:
    settings.save(Settings(25, window=(1400, 900)))
    assert settings.load() == Settings(25, window=(1400, 900))
    settings.save(Settings(30))  # by somebody who knows of no window
    assert settings.load() == Settings(30, window=(1400, 900))


@pytest.mark.parametrize(
    "size", ["width = 800", "width = 0\nheight = 600", "width = wide\nheight = 600", "height = -5"]
)
def test_half_a_size_is_none(file: Path, size: str) -> None:
    file.parent.mkdir()
    file.write_text(f"[server]\nidle-minutes = 25\n[window]\n{size}\n")
    assert settings.load() == Settings(25)


def test_the_servers_program_stays_as_it_is(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("[server]\nprogram = C:\\My venv\\Scripts\\gimp-saliency.exe\nidle-minutes = 0\n")
    program = "C:\\My venv\\Scripts\\gimp-saliency.exe"
    assert settings.load() == Settings(10, program)
    settings.save(Settings(25))
    assert settings.load() == Settings(25, program)


def test_a_folder_in_its_place(file: Path) -> None:
    file.mkdir(parents=True)
    assert settings.load() == Settings()


def test_what_others_wrote_stays(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("[later]\nvalue = 100 %\n")
    settings.save(Settings(5))
    assert "[later]\nvalue = 100 %\n" in file.read_text() and settings.load() == Settings(5)


def test_where_it_cannot_be_written(file: Path) -> None:
    file.parent.write_text("a file where the folder should be")
    with pytest.raises(Exception, match=r"cannot be saved in .*gimp-saliency \(.+\): allow writing there") as caught:
        settings.save(Settings(5))
    assert type(caught.value) is UserError
    file.parent.unlink()
    file.mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be saved"):
        settings.save(Settings(5))
    assert list(file.parent.iterdir()) == [file]


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    default = Path("/home/somebody/.config/gimp-saliency/settings.ini")
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_CONFIG_HOME", value)
        assert settings.path() == default
    monkeypatch.setenv("FLATPAK_ID", "org.gimp.GIMP")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/somebody/.var/app/org.gimp.GIMP/config")
    monkeypatch.delenv("HOST_XDG_CONFIG_HOME", raising=False)
    assert settings.path() == default
    monkeypatch.setenv("HOST_XDG_CONFIG_HOME", str(tmp_path))
    assert settings.path() == tmp_path / "gimp-saliency" / "settings.ini"

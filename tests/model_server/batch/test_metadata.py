# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture's file says of it goes into its result as it is, but for what is not true any more."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from model_server.batch.metadata import carry_over
from model_server.batch.metadata.exif import adapt_exif
from model_server.batch.metadata.jpeg import drop_previews, read_jpeg
from model_server.batch.metadata.png import read_png
from model_server.batch.metadata.xmp import adapt_xmp

XMP = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>
<rdf:Description xmp:Rating="4" tiff:Orientation="6"><dc:subject><rdf:Bag><rdf:li>cup</rdf:li></rdf:Bag></dc:subject>
<mwg-rs:Regions><mwg-rs:AppliedToDimensions stDim:w="40" stDim:h="60" stDim:unit="pixel"/>
<mwg-rs:Area stArea:x="0.2" stArea:y="0.3" stArea:w="0.1" stArea:h="0.4"/></mwg-rs:Regions></rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
MAKER = b"camera's own \0\1\2\3"


def make_exif(orientation: int = 6) -> bytes:
    """A TIFF structure with a camera's note, sizes and a thumbnail, as cameras write it."""
    small = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(small, "JPEG")
    details, note = 8 + 2 + 12 * 2 + 4, 8 + 2 + 12 * 2 + 4 + 2 + 12 * 3 + 4
    second = note + len(MAKER)
    picture = second + 2 + 12 * 2 + 4
    return (
        b"II*\0" + struct.pack("<I", 8)
        + struct.pack("<H", 2) + struct.pack("<HHII", 0x0112, 3, 1, orientation)
        + struct.pack("<HHII", 0x8769, 4, 1, details) + struct.pack("<I", second)
        + struct.pack("<H", 3) + struct.pack("<HHII", 0x927C, 7, len(MAKER), note)
        + struct.pack("<HHII", 0xA002, 4, 1, 40) + struct.pack("<HHII", 0xA003, 3, 1, 60) + struct.pack("<I", 0) + MAKER
        + struct.pack("<H", 2) + struct.pack("<HHII", 0x0201, 4, 1, picture)
        + struct.pack("<HHII", 0x0202, 4, 1, len(small.getvalue())) + struct.pack("<I", 0) + small.getvalue()
    )  # fmt: skip


def add_segments(path: Path, *segments: tuple[int, bytes]) -> None:
    """Put segments behind a JPEG's beginning."""
    content = path.read_bytes()
    added = b"".join(struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data for kind, data in segments)
    path.write_bytes(content[:2] + added + content[2:])


def save(path: Path, size: tuple[int, int] = (60, 40), **save: Any) -> Path:
    Image.new("RGB", size, (10, 200, 30)).save(path, **save)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = save(tmp_path / "a.jpg", (40, 60), exif=b"Exif\0\0" + make_exif(), comment=b"a comment")
    irb = b"8BIM\x04\x04\0\0\0\0\0\x04IPTC8BIM\x04\x0c\0\0\0\0\0\x04tiny"
    add_segments(path, (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP), (0xED, b"Photoshop 3.0\0" + irb))
    return path


def test_from_jpeg_to_jpeg(tmp_path: Path, photo: Path) -> None:
    result = save(tmp_path / "out.jpg", exif=b"Exif\0\0" + make_exif(1)[:60])
    before = Image.open(result).tobytes()
    assert carry_over(photo, result) == ()
    assert Image.open(result).tobytes() == before
    found = read_jpeg(result.read_bytes())
    assert found.comment == b"a comment" and found.iptc == b"8BIM\x04\x04\0\0\0\0\0\x04IPTC"
    assert b'xmp:Rating="4"' in found.xmp and b"<rdf:li>cup</rdf:li>" in found.xmp and b'Orientation="1"' in found.xmp
    exif = Image.open(result).getexif()
    details = exif.get_ifd(0x8769)
    assert exif[0x0112] == 1 and details[0x927C] == MAKER and (details[0xA002], details[0xA003]) == (60, 40)
    assert exif.get_ifd(1) == {} and result.read_bytes().count(b"Exif\0\0") == 1
    assert b"\xff\xd8\xff\xe0\0\x10JFIF" in make_exif() and b"\xff\xd8\xff\xe0\0\x10JFIF" not in found.exif


def test_from_jpeg_to_png_and_tiff(tmp_path: Path, photo: Path) -> None:
    lost_by = {
        "out.png": ("png cannot hold IPTC: not kept",),
        "out.tif": ("tif cannot hold EXIF and the comment: not kept",),  # GIMP itself writes EXIF into TIFFs
    }
    for name, lost in lost_by.items():
        result = save(tmp_path / name)
        before = Image.open(result).tobytes()
        assert carry_over(photo, result) == lost
        with Image.open(result) as picture:
            picture.load()
            assert picture.tobytes() == before, name
            xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp", "").encode()
            assert b'xmp:Rating="4"' in xmp, name
            if name == "out.png":
                assert picture.info["Comment"] == "a comment" and picture.getexif().get_ifd(0x8769)[0x927C] == MAKER


def test_a_png_s_texts_and_colours(tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("parameters", "a cup, Steps: 20")
    texts.add_itxt("Author", "Müller", zip=True)
    texts.add(b"gAMA", struct.pack(">I", 100000))
    texts.add(b"cICP", b"\x0c\x0d\0\1")
    picture = save(tmp_path / "a.png", pnginfo=texts)
    result = save(tmp_path / "out.png", icc_profile=b"what GIMP made of it")
    assert carry_over(picture, result) == ()
    with Image.open(result) as found:
        found.load()
        assert found.info["parameters"] == "a cup, Steps: 20" and found.info["Author"] == "Müller"
        assert "icc_profile" not in found.info and found.info["gamma"] == pytest.approx(1)
    assert dict(read_png(result.read_bytes()).colours) == {b"gAMA": struct.pack(">I", 100000), b"cICP": b"\x0c\x0d\0\1"}


def test_what_is_lost_is_said(tmp_path: Path, photo: Path) -> None:
    add_segments(photo, (0xE2, b"MPF\0more"))
    result = save(tmp_path / "out.jpg")
    assert carry_over(photo, result) == ("further pictures in it (gain map, depth or preview): not kept",)
    texts = PngInfo()
    texts.add_text("parameters", "a cup")
    picture = save(tmp_path / "a.png", pnginfo=texts)
    assert carry_over(picture, save(tmp_path / "b.jpg")) == ("jpg cannot hold texts: not kept",)
    assert carry_over(picture, save(tmp_path / "b.png")) == ()


def test_what_cannot_be_read_is_left_alone(tmp_path: Path, photo: Path) -> None:
    for content in (b"", b"\xff\xd8\xff", photo.read_bytes()[:300], b"\x89PNG\r\n\x1a\n\0\0", b"II*\0\xff\xff\xff\xff"):
        (tmp_path / "damaged").write_bytes(content)
        result = save(tmp_path / "out.jpg")
        carry_over(tmp_path / "damaged", result)
        Image.open(result).load()
        (tmp_path / "odd.jpg").write_bytes(content)
        carry_over(photo, tmp_path / "odd.jpg")
        assert (tmp_path / "odd.jpg").read_bytes() == content


def test_a_full_disk_is_no_result(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = save(tmp_path / "out.jpg")

    def fail(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        carry_over(photo, result)


def test_exif_that_is_damaged_stays_as_it_is() -> None:
    block = make_exif()
    for length in range(len(block)):
        adapt_exif(block[:length], (60, 40))
    for place in range(8, 70):
        adapt_exif(block[:place] + b"\xff" + block[place + 1 :], (60, 40))
    exif = Image.Exif()
    exif.load(adapt_exif(block, (60, 40)))
    assert exif[0x0112] == 1


@pytest.mark.parametrize(
    ("orientation", "area", "size"),
    [
        (1, (0.2, 0.3, 0.1, 0.4), (40, 60)),
        (2, (0.8, 0.3, 0.1, 0.4), (40, 60)),
        (3, (0.8, 0.7, 0.1, 0.4), (40, 60)),
        (4, (0.2, 0.7, 0.1, 0.4), (40, 60)),
        (5, (0.3, 0.2, 0.4, 0.1), (60, 40)),
        (6, (0.7, 0.2, 0.4, 0.1), (60, 40)),
        (7, (0.7, 0.8, 0.4, 0.1), (60, 40)),
        (8, (0.3, 0.8, 0.4, 0.1), (60, 40)),
    ],
)
def test_faces_lie_where_they_are_seen(orientation: int, area: tuple[float, ...], size: tuple[int, int]) -> None:
    found = adapt_xmp(XMP, orientation)
    for name, value in zip("xywh", area):
        assert f'stArea:{name}="{value:g}"'.encode() in found
    assert b'stDim:w="%d" stDim:h="%d"' % size in found and b'tiff:Orientation="1"' in found
    values = {"x": "0.2", "y": "0.3", "w": "0.1", "h": "0.4"}.items()
    row = "".join(f"<stArea:{name}>{value}</stArea:{name}>" for name, value in values)
    elements = f"<mwg-rs:Area>{row}</mwg-rs:Area>".encode()
    turned = adapt_xmp(elements, orientation)
    assert b"<stArea:x>%g</stArea:x><stArea:y>%g<" % area[:2] in turned


def test_previews_of_before_go() -> None:
    block = b"8BIM\x04\x04\x03abc\0\0\0\x03xyz\0"
    preview = b"8BIM\x04\x0c\0\0\0\0\0\x04tiny"
    assert drop_previews(block + preview + block) == block + block
    assert drop_previews(b"anything") == b"anything"
    assert drop_previews(preview[:9]) == preview[:9]

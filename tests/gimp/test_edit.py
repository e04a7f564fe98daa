# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit in real GIMP: every kind of image, nothing changed outside the selection, every bad input a sentence."""

from __future__ import annotations

import pytest

from tests.conftest import GimpForTests


@pytest.mark.thorough
def test_every_kind_of_image(gimp: GimpForTests) -> None:
    results = gimp.run("import inside\nresult = inside.edit_each_type()", timeout=500)
    assert len(results) == 18 * (6 + 5)  # kinds of numbers, times kinds of layers in RGB and in gray
    expected = {"unchanged outside": True, "changed inside": True, "selection kept": True, "saved": True}
    wrong = []
    for name, result in results.items():
        layers = 1 if not gimp.is_32 else 5 if name.startswith("GRAY") else 6  # contrast and tone are one
        wrong += [f"{name}: {what} is {result[what]}" for what in expected if result[what] != expected[what]]
        wrong += [f"{name}: {result['layers']} layers"] if result["layers"] != layers else []
    assert not wrong, "\n".join(wrong)


def test_flat_images_show_what_the_layers_would(gimp: GimpForTests) -> None:
    """Of an image that is one layer; sharpening looks at what lies around the box that is composed."""
    results = gimp.run("import inside\nresult = inside.edit_flat()")
    assert len(results) == 4 * (12 + 4)
    for name, result in results.items():
        assert result["unchanged outside"] and result["changed inside"], name
        step = 1 / 255 if "U8" in name else 1 / 65535
        steps = 1.01
        if "U16" in name and "large" in name and "sharpened True" in name:
            steps = 8  # the blur reaches farther than the box, by that little
        elif "loaded" in name and not gimp.is_32:
            steps = 2.01  # GIMP 3.0 rounds the selection of 8-bit images from XCF files
        assert result["difference"] <= steps * step, (name, result["difference"] / step)


BAD_INPUTS = {
    "nothing selected": ("lambda i, l: Gimp.Selection.none(i) and None", "{}", "Nothing is selected"),
    "selection outside": (
        "lambda i, l: inside.select(i, (50, 40, 10, 6), 0)",
        "{'size': (20, 20)}",
        "outside the active layer",
    ),
    "hidden": ("lambda i, l: l.set_visible(False) and None", "{}", "hidden"),
    "locked": ("lambda i, l: l.set_lock_content(True) and None", "{}", "locked"),
    "empty": ("lambda i, l: inside.write(l, bytes(4 * 64 * 48), \"R'G'B'A u8\")", "{'alpha': 'opaque'}", "empty there"),
    "indexed": (
        "lambda i, l: i.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 8, 0, 0, '')"
        " and None",
        "{}",
        "Image → Mode → RGB",
    ),
    "several layers": ("lambda i, l: [l, l]", "{}", "exactly one layer"),
    "no layer": ("lambda i, l: [] or [None][:0] or [None, None]", "{}", "exactly one layer"),
    "group": ("inside.into_group", "{}", "group is active"),
    "mask": ("inside.with_mask", "{}", "mask or channel"),
    "channel": ("lambda i, l: [Gimp.Selection.save(i)]", "{}", "mask or channel"),
    "tiny": ("lambda i, l: None", "{'width': 15, 'height': 15}", "smaller than 16"),
    "narrow": ("lambda i, l: inside.select(i, (0, 0, 900, 20), 0)", "{'width': 1000, 'height': 20}", "too narrow"),
    "floating": ("inside.float_selection", "{}", "anchor"),
}


@pytest.fixture(scope="module")
def sentences(gimp: GimpForTests) -> dict[str, dict[str, object]]:
    cases = ", ".join(
        f"{name!r}: inside.sentence({spoil}, **{options})" for name, (spoil, options, _) in BAD_INPUTS.items()
    )
    answer: dict[str, dict[str, object]] = gimp.run(
        f"import inside\nfrom gi.repository import Gimp\nresult = {{{cases}}}"
    )
    return answer


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_a_sentence(sentences: dict[str, dict[str, object]], name: str) -> None:
    message = str(sentences[name]["message"])
    assert BAD_INPUTS[name][2] in message
    assert message.endswith(".")
    assert sentences[name]["untouched"]


def test_partly_transparent_pixels_keep_their_alpha(gimp: GimpForTests) -> None:
    """With curves, whose result is blended by the selection; the colours are those of the same pixels made opaque."""
    result = gimp.run("import inside\nresult = inside.edit_transparent()")
    assert result["alpha"]
    assert result["changed"] and result["difference"] <= 1.01 / 255


def test_second_edit_starts_from_the_first(gimp: GimpForTests) -> None:
    result = gimp.run("import inside\nresult = inside.edit_twice()")
    assert result["seen"] == "the first edit's result"
    assert result["first kept"]
    assert result["changed"]


@pytest.mark.thorough
def test_thumbnail_is_what_the_user_sees(gimp: GimpForTests) -> None:
    for name, (colours, mask) in gimp.run("import inside\nresult = inside.thumbnails()").items():
        assert colours <= 2, name  # of 255; GIMP's own scaling and rounding
        assert mask <= 3, name

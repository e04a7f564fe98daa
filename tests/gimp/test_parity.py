# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators that the networks were trained with are GIMP's filters, number by number."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
import torch

from gimp_saliency.shared import edits
from model_server.training import operators
from tests.conftest import GimpForTests

# Of a wide picture the blur of sharpening reaches over pixels, as it does in the thumbnails that the network sees.
SIZES = {"small": (64, 48), "wide": (320, 24)}
both = pytest.mark.parametrize(
    ("background", "size", "cases"), [(False, "small", 16), (False, "wide", 8), (True, "small", 8), (True, "wide", 8)]
)


def _array(text: str, kind: Any, size: str) -> np.ndarray:
    width, height = SIZES[size]
    values = np.frombuffer(base64.b64decode(text), kind).reshape(height, width, -1)
    return values.transpose(2, 0, 1).copy()


def _run(gimp: GimpForTests, *arguments: Any, size: str, **keywords: Any) -> Any:
    return gimp.run(f"import inside\nresult = inside.parity(*{arguments!r}, size={SIZES[size]!r}, **{keywords!r})")


def _largest_differences(
    gimp: GimpForTests, precision: str, babl_format: str, kind: Any, cases: int, background: bool, size: str
) -> list[float]:
    """Per case the largest difference between GIMP and torch, in units of `kind`, both display-encoded."""
    differences = []
    for case in _run(gimp, precision, babl_format, cases, background, size=size):
        before = torch.from_numpy(_array(case["before"], np.float32, size)).double()
        mask = torch.from_numpy(_array(case["mask"], np.float32, size)).double()
        inside, around = (edits.from_json(case[name]) for name in ("edits", "background"))
        assert bool(around) == background
        after = operators.apply_edits(before, mask, inside, clip=False)
        after = operators.apply_edits(after, 1 - mask, around)
        expected = operators.encode(after).numpy()
        measured = _array(case["after"], kind, size).astype(np.float64)
        if kind is np.uint8:
            expected = np.rint(255 * expected)
        else:
            measured = measured.clip(0, 1)  # a float image keeps what is brighter than white
        differences.append(float(np.abs(measured - expected).max()))
    return differences


@both
def test_8_bit_within_one_step(gimp: GimpForTests, background: bool, size: str, cases: int) -> None:
    differences = _largest_differences(gimp, "U8_NON_LINEAR", "R'G'B' u8", np.uint8, cases, background, size)
    print(f"GIMP {gimp.gimp.version}, 8 bit: largest difference {max(differences)}/255")
    assert max(differences) <= 1


@both
def test_float(gimp: GimpForTests, background: bool, size: str, cases: int) -> None:
    differences = _largest_differences(gimp, "FLOAT_LINEAR", "R'G'B' float", np.float32, cases, background, size)
    print(f"GIMP {gimp.gimp.version}, float: largest difference {max(differences):.1e}")
    assert max(differences) <= 1e-4


@pytest.mark.parametrize("background", [False, True])
def test_versions_agree_in_another_profile(gimp32: GimpForTests, gimp30: GimpForTests, background: bool) -> None:
    # The operators are defined on the image's own numbers, which are other colours in Adobe RGB.
    arguments = "U8_NON_LINEAR", "R'G'B' u8", 6, background
    new, old = (_run(gimp, *arguments, size="small", adobe=True) for gimp in (gimp32, gimp30))
    for one, other in zip(new, old):
        after = [_array(case["after"], np.uint8, "small").astype(int) for case in (one, other)]
        assert np.abs(after[0] - after[1]).max() <= 1

# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators that the networks were trained with are GIMP's filters, number by number."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import torch

from model_server.training import operators
from plugin.saliency import edits
from tests.conftest import GimpForTests

WIDTH, HEIGHT = 64, 48


def _array(text: str, kind: Any, channels: int) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(text), kind).reshape(HEIGHT, WIDTH, channels)
    return values.transpose(2, 0, 1).copy()


def _largest_differences(gimp: GimpForTests, precision: str, babl_format: str, kind: Any, cases: int) -> list[float]:
    """Per case the largest difference between GIMP and torch, in units of `kind`, both display-encoded."""
    run = f"import inside\nresult = inside.parity({precision!r}, {babl_format!r}, {cases})"
    differences = []
    for case in gimp.run(run):
        before = torch.from_numpy(_array(case["before"], np.float32, 3)).double()
        mask = torch.from_numpy(_array(case["mask"], np.float32, 1)).double()
        after = operators.apply_edits(before, mask, edits.from_json(case["edits"]))
        expected = operators.encode(after).numpy()
        measured = _array(case["after"], kind, 3).astype(np.float64)
        if kind is np.uint8:
            expected = np.rint(255 * expected)
        else:
            measured = measured.clip(0, 1)  # a float image keeps what is brighter than white
        differences.append(float(np.abs(measured - expected).max()))
    return differences


def test_8_bit_within_one_step(gimp: GimpForTests) -> None:
    differences = _largest_differences(gimp, "U8_NON_LINEAR", "R'G'B' u8", np.uint8, 24)
    print(f"GIMP {gimp.gimp.version}, 8 bit: largest difference {max(differences)}/255")
    assert max(differences) <= 1


def test_float(gimp: GimpForTests) -> None:
    differences = _largest_differences(gimp, "FLOAT_LINEAR", "R'G'B' float", np.float32, 24)
    print(f"GIMP {gimp.gimp.version}, float: largest difference {max(differences):.1e}")
    assert max(differences) <= 1e-4


def test_versions_agree_in_another_profile(gimp32: GimpForTests, gimp30: GimpForTests) -> None:
    # The operators are defined on the image's own numbers, which are other colours in Adobe RGB.
    run = """import inside\nresult = inside.parity("U8_NON_LINEAR", "R'G'B' u8", 6, adobe=True)"""
    for new, old in zip(gimp32.run(run), gimp30.run(run)):
        assert np.abs(_array(new["after"], np.uint8, 3).astype(int) - _array(old["after"], np.uint8, 3)).max() <= 1

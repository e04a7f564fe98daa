# SPDX-License-Identifier: GPL-3.0-or-later
"""A thumbnail, on which the network decides, shows what sharpening makes of the photograph."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from model_server.training.operators import RANGES
from tests.conftest import PROJECT, GimpForTests

PHOTOS = sorted((PROJECT.parent / "shared" / "data" / "hires").glob("*.jpg"))
MOST = 1.5 * RANGES["sharpening"]  # what the network may predict, at the strength of 150 %


@pytest.mark.skipif(not PHOTOS, reason="no photographs in ../shared/data/hires")
def test_full_size_and_thumbnail_agree(gimp: GimpForTests) -> None:
    for path in PHOTOS:
        result = gimp.run(f"import inside_sharpening\nresult = inside_sharpening.sharpened({str(path)!r}, {MOST!r})")
        before, full, small = (
            np.frombuffer(base64.b64decode(result[name]), np.uint8).astype(int)
            for name in ("before", "full size", "thumbnail")
        )
        worst = np.percentile(np.abs(full - small), 99)
        effect = np.percentile(np.abs(small - before), 99)
        print(f"GIMP {gimp.gimp.version}, {path.name}: 99th percentile {worst:g}/255 of an effect of {effect:g}/255")
        assert worst <= 2, path.name
        assert effect > worst, path.name

# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wished for."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gimp_saliency.shared.request import PLAIN, EditRequest
from model_server.predict.vector import STYLE


def test_a_plain_wish() -> None:
    wish = EditRequest("attenuate")
    assert (wish.strength, wish.background, wish.background_strength, wish.style) == (1.0, False, 1.0, PLAIN)
    assert (wish.sign, EditRequest("emphasize").sign) == (-1.0, 1.0)
    assert EditRequest("attenuate", style=[0] * STYLE) == wish


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"direction": "sideways"}, "The direction must be attenuate or emphasize, not 'sideways'"),
        ({"strength": -0.1}, "The strength must be a number from 0 to 1.5"),
        ({"strength": math.nan}, "The strength must be"),
        ({"background_strength": 1.6}, "The background's strength must be a number from 0 to 1.5"),
        ({"style": (0.0,) * 9}, "The style must be 10 numbers from -4 to 4"),
        ({"style": (0.0,) * 11}, "The style must be"),
        ({"style": (4.1, *PLAIN[1:])}, "The style must be"),
        ({"style": (math.nan, *PLAIN[1:])}, "The style must be"),
    ],
)
def test_a_wrong_wish_is_a_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        EditRequest(**{"direction": "attenuate", **wrong})

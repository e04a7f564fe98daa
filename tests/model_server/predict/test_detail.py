# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as fog, on made-up pictures, and that no edit leaves one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gimp_saliency.shared.choices import Boldness
from gimp_saliency.shared.request import EditRequest
from model_server.predict.detail import LEAST, Detail
from model_server.predict.predictor import Predictor
from tests.model_server.predict.test_attention import put_in_place

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.uniform(0.3, 0.7, (1, 3, 40, 60)).astype(np.float32)
MASK = np.zeros((1, 1, 40, 60), np.float32)
MASK[..., 8:30, 10:50] = 1


def measure(edited: Any, mask: Any = MASK, picture: Any = PICTURE) -> float:
    return Detail(picture, mask).measure_kept(edited.astype(np.float32))


def test_all_is_kept_where_nothing_is_done() -> None:
    assert measure(PICTURE) == 1
    assert measure(np.where(MASK > 0, PICTURE, 0)) == 1  # what lies outside does not count


def test_fog_takes_contrast_and_darkness_only_its_part() -> None:
    fog, crisp = 0.5 + 0.5 * (PICTURE - 0.5), 0.5 + 1.5 * (PICTURE - 0.5)
    assert measure(fog) == pytest.approx(0.5, abs=0.05) and measure(crisp) > 1.3
    assert measure(0.6 * PICTURE) > 0.9
    assert measure(0.6 * fog) == pytest.approx(measure(fog), abs=0.06)
    assert measure(fog + 0.2) == pytest.approx(measure(fog), abs=0.08)  # lighter fog is no excuse


def test_what_has_no_contrast_loses_none() -> None:
    flat = np.full_like(PICTURE, 0.5)
    assert measure(0.9 * flat, picture=flat) == pytest.approx(1, abs=0.15)
    assert measure(flat * 0, picture=flat * 0) == 1
    narrow = np.zeros_like(MASK)
    narrow[..., 20, 30] = 1
    assert measure(0.5 + 0.5 * (PICTURE - 0.5), narrow) == pytest.approx(1, abs=0.2)


def test_an_edit_that_would_be_fog_is_taken_less_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the critic says, and however bold it is to be."""
    attention = Predictor().attention
    run = attention._networks.session("edit.onnx").run

    class Foggy:
        def run(self, *arguments: Any) -> Any:
            inside, around = run(*arguments)
            inside[:] = 0
            inside[:, attention._words.places["contrast"]] = -0.4
            return inside, around

    put_in_place(monkeypatch, attention, Foggy())
    monkeypatch.setattr(attention._judges, "measure_realism", lambda *_: 1.0)
    monkeypatch.setattr(attention, "_most_border", np.inf)
    picture = np.concatenate([PICTURE, MASK], 1)[0].transpose(1, 2, 0)
    picture = (picture * 255).astype(np.uint8)
    for boldness in Boldness:
        made = attention._make_scene(picture)
        request = EditRequest("attenuate", boldness=boldness)
        inside = attention._run_network(made, request)[0][0]
        factor = attention._choose_factor(made, request, inside)
        edited = made.editor.apply(inside * np.float32(factor), None, attention._words.orders[0])
        assert made.detail.measure_kept(edited) >= LEAST
        assert factor < 2.5

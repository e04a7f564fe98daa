# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped operators on a mask's box and around it, against the operators of the training on the whole picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from model_server.predict.canvas import Canvas, pad
from model_server.predict.editor import Editor, Operators, decode, encode
from model_server.predict.networks import NETWORKS, Networks
from model_server.predict.pool import make_pool
from model_server.predict.vector import COUNT, NAMES, ORDERS, PLACES
from model_server.training import operators

WIDTH, HEIGHT = 180, 120  # of 192 x 128
BOXES = {
    "inner": (40, 70, 60, 110),
    "corner": (0, 9, 0, 5),
    "other corner": (80, 120, 150, 180),
    "dot": (61, 62, 9, 10),
}
NONE = np.zeros(COUNT, np.float32)


@pytest.fixture(scope="module")
def shipped() -> Operators:
    return Operators(Networks(NETWORKS, make_pool()))


def make_editor(shipped: Operators, picture: Any, mask: Any) -> Editor:
    return Editor(shipped, Canvas(picture, np.ones_like(mask), WIDTH, HEIGHT), mask)


def scene(box: tuple[int, int, int, int]) -> tuple[Any, Any]:
    """A noisy picture, padded, and a soft mask in rows and columns."""
    rng = np.random.default_rng(0)
    picture = np.zeros((1, 3, 128, 192), np.float32)
    picture[:, :, :HEIGHT, :WIDTH] = rng.random((1, 3, HEIGHT, WIDTH), np.float32)
    pad(picture, WIDTH, HEIGHT)
    mask = np.zeros((1, 1, 128, 192), np.float32)
    top, bottom, left, right = box
    mask[:, :, top:bottom, left:right] = rng.uniform(0.2, 1, (bottom - top, right - left))
    return picture, mask


def numbers(seed: int) -> Any:
    """Parameters as strong as a network may predict."""
    rng = np.random.default_rng(seed)
    found = rng.uniform(-0.5, 0.5, COUNT).astype(np.float32)
    found[PLACES["sharpening"]] = 0.1
    return found


def expected(picture: Any, mask: Any, inside: Any, around: Any, order: tuple[int, ...]) -> Any:
    """The picture without its padding, by the training's operators."""
    linear = operators.decode(torch.tensor(picture[:, :, :HEIGHT, :WIDTH]))
    area = torch.tensor(mask[:, :, :HEIGHT, :WIDTH])
    for values, through in ((inside, area), (around, 1 - area)):
        vector, steps = torch.tensor(values)[None], torch.tensor(order)[None]
        linear = operators.apply(linear, through, vector, steps, side=WIDTH, clip=False)
    return operators.encode(linear).numpy()


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("index", [0, len(ORDERS) - 1])
def test_it_computes_what_the_training_computes(shipped: Operators, box: tuple[int, int, int, int], index: int) -> None:
    picture, mask = scene(box)
    editor = make_editor(shipped, picture, mask)
    order = ORDERS[index]
    for inside, around in ((numbers(1), NONE), (numbers(1), numbers(2)), (NONE, numbers(2))):
        found = editor.apply(inside, around, order)
        wanted = expected(picture, mask, inside, around, order)
        assert np.abs(found[:, :, :HEIGHT, :WIDTH] - wanted).max() < 2e-5
    assert np.array_equal(editor.apply(numbers(1), None, order), editor.apply(numbers(1), NONE, order))


@pytest.mark.parametrize("name", NAMES)
def test_each_edit_alone_does_something(shipped: Operators, name: str) -> None:
    picture, mask = scene(BOXES["inner"])
    values = NONE.copy()
    values[PLACES[name]] = numbers(3)[PLACES[name]]
    found = make_editor(shipped, picture, mask).apply(values, None, ORDERS[5])
    wanted = expected(picture, mask, values, NONE, ORDERS[5])
    assert np.abs(found[:, :, :HEIGHT, :WIDTH] - wanted).max() < 2e-5
    assert np.abs(found - picture).max() > 0.01


def test_the_inside_changes_nothing_else(shipped: Operators) -> None:
    picture, mask = scene(BOXES["other corner"])
    found = make_editor(shipped, picture, mask).apply(numbers(1), None, ORDERS[0])
    changed = (found != picture).any(1)
    assert changed.any() and not changed[mask[:, 0] == 0].any()


def test_the_background_stays_out_of_the_region_and_reaches_the_padding(shipped: Operators) -> None:
    picture, mask = scene(BOXES["inner"])
    mask[mask > 0] = 1
    found = make_editor(shipped, picture, mask).apply(NONE, numbers(2), ORDERS[0])
    inside = np.broadcast_to(mask > 0, picture.shape)
    assert np.abs(found - picture)[inside].max() < 1e-5  # encoded anew
    repeated = found.copy()
    pad(repeated, WIDTH, HEIGHT)
    assert np.array_equal(found, repeated)
    assert np.abs(found - picture)[..., HEIGHT:, :].max() > 0.05


def test_nothing_to_do_is_the_picture_itself(shipped: Operators) -> None:
    picture, mask = scene(BOXES["inner"])
    found = make_editor(shipped, picture, mask).apply(NONE, NONE, ORDERS[0])
    assert np.array_equal(found, picture) and found is not picture


def test_a_thin_picture_is_edited_likewise(shipped: Operators) -> None:
    """By all that looks at single pixels: the same as every fourth row and column of what was edited."""
    picture, mask = scene(BOXES["inner"])
    inside, around = numbers(1), numbers(2)
    for each in (inside, around):
        each[PLACES["sharpening"]] = 0
    editor = make_editor(shipped, picture, mask)
    whole = editor.apply(inside, around, ORDERS[3])
    thin = editor.thin(4).apply(inside, around, ORDERS[3])
    assert thin.shape == (1, 3, 32, 48)
    assert np.abs(thin - whole[:, :, ::4, ::4])[:, :, : HEIGHT // 4, : WIDTH // 4].max() < 1e-6


def test_there_and_back() -> None:
    values = np.linspace(0, 1, 3000, dtype=np.float32).reshape(1, 3, 10, 100)
    assert np.abs(encode(decode(values)) - values).max() < 1e-6

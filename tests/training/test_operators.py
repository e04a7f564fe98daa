# SPDX-License-Identifier: GPL-3.0-or-later
"""The torch operators: identity, gradients, values by hand, agreement with edits.py."""

from __future__ import annotations

import math

import pytest
import torch

from gimp_saliency.shared.edits import (
    CURVE_NODES,
    Contrast,
    Curves,
    Exposure,
    Saturation,
    Sharpening,
    Tone,
    WhiteBalance,
    curve_points,
)
from model_server.predict.vector import CONTRAST, COUNT, CURVES, NAMES, SHARPENING, TONE, to_edits, to_parameters
from model_server.training import operators


def random_pictures(count: int = 3, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, 5, 7, generator=generator, dtype=dtype)


def random_parameters(count: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    parameters = torch.randn(count, COUNT, generator=generator, dtype=torch.float64) * 0.3
    parameters[:, SHARPENING] = parameters[:, SHARPENING].abs()
    return parameters


def random_orders(count: int = 3) -> torch.Tensor:
    return operators.ALL_ORDERS[torch.arange(count) * 7 % 24]


def one_pixel(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float64)[:, None, None]


WHOLE = torch.ones(1, 1, 1, dtype=torch.float64)

# The longer side of the pictures; so large that one pixel's sharpening is felt by its neighbours.
SIDE = 300.0


def test_srgb_there_and_back() -> None:
    values = torch.linspace(0, 1, 257, dtype=torch.float64)
    assert torch.allclose(operators.encode(operators.decode(values)), values, atol=1e-7)
    assert float(operators.decode(torch.tensor(0.5, dtype=torch.float64))) == pytest.approx(0.21404114, abs=1e-8)


def test_identity() -> None:
    pictures = random_pictures()
    for order in operators.ALL_ORDERS:
        edited = operators.apply(
            pictures, torch.ones(3, 1, 5, 7), torch.zeros(3, COUNT, dtype=torch.float64), order.expand(3, -1), SIDE
        )
        assert torch.allclose(edited, pictures, atol=1e-7)


def test_gradient() -> None:
    pictures = random_pictures() * 0.8 + 0.1
    mask = torch.full((3, 1, 5, 7), 0.7, dtype=torch.float64)
    parameters = (random_parameters() * 0.3).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda p: operators.apply(pictures, mask, p, random_orders(), SIDE, clip=False), parameters, atol=1e-4
    )


def test_gradient_is_finite_at_black_and_white() -> None:
    pictures = torch.zeros(2, 3, 4, 4)
    pictures[1] = 1
    parameters = torch.zeros(2, COUNT, requires_grad=True)
    edited = operators.apply(pictures, torch.ones(2, 1, 4, 4), parameters, random_orders(2), SIDE)
    operators.encode(edited).sum().backward()
    assert parameters.grad is not None and torch.isfinite(parameters.grad).all()


def test_order_matters_and_each_row_has_its_own() -> None:
    pictures, parameters = random_pictures(1).expand(24, -1, -1, -1), random_parameters(1).expand(24, -1)
    mask = torch.ones(24, 1, 5, 7)
    together = operators.apply(pictures, mask, parameters, operators.ALL_ORDERS, SIDE)
    alone = torch.cat(
        [operators.apply(pictures[:1], mask[:1], parameters[:1], order[None], SIDE) for order in operators.ALL_ORDERS]
    )
    assert torch.allclose(together, alone)
    assert len({tuple(row.flatten().tolist()) for row in together}) > 12


def test_outside_the_mask_nothing_changes() -> None:
    pictures = random_pictures()
    mask = torch.zeros(3, 1, 5, 7, dtype=torch.float64)
    mask[:, :, 1, 1] = 1
    edited = operators.apply(pictures, mask, random_parameters(), random_orders(), SIDE)
    outside = (mask == 0).expand_as(pictures)
    assert torch.equal(edited[outside], pictures[outside])
    assert not torch.allclose(edited[~outside], pictures[~outside])


def test_exposure_by_hand() -> None:
    edited = operators.apply_edits(one_pixel(0.1, 0.2, 0.6), WHOLE, [Exposure(1)])
    assert edited.flatten().tolist() == pytest.approx([0.2, 0.4, 1.0])
    unclipped = operators.apply_edits(one_pixel(0.1, 0.2, 0.6), WHOLE, [Exposure(1)], clip=False)
    assert unclipped.flatten().tolist() == pytest.approx([0.2, 0.4, 1.2])


def test_saturation_by_hand() -> None:
    grey = operators.apply_edits(one_pixel(1.0, 0.0, 0.0), WHOLE, [Saturation(0)])
    assert grey.flatten().tolist() == pytest.approx([0.22248840] * 3, abs=1e-9)
    more = operators.apply_edits(one_pixel(0.5, 0.4, 0.4), WHOLE, [Saturation(2)], clip=False)
    luminance = 0.4 + 0.1 * 0.22248840
    assert more.flatten().tolist() == pytest.approx([2 * v - luminance for v in (0.5, 0.4, 0.4)])


def test_white_balance_agrees_with_the_definition() -> None:
    edit = WhiteBalance(1.3, 0.8)
    edited = operators.apply_edits(one_pixel(0.5, 0.5, 0.5), WHOLE, [edit])
    assert edited.flatten().tolist() == pytest.approx([0.5 * gain for gain in edit.gains()])


def test_curves_agree_with_the_definition() -> None:
    edit = Curves((2.0,) * 4 + (1.0,) * 4, (0.5, 1, 1, 1, 1, 1, 1, 3), (1,) * 8)
    for channel in range(3):
        for x, y in curve_points(edit.channels()[channel]):
            pixel = operators.decode(torch.full((3, 1, 1), x, dtype=torch.float64))
            edited = operators.encode(operators.apply_edits(pixel, WHOLE, [edit]))
            assert float(edited[channel]) == pytest.approx(y, abs=1e-6)
    halfway = operators.decode(torch.full((3, 1, 1), 16 / 255, dtype=torch.float64))
    red = float(operators.encode(operators.apply_edits(halfway, WHOLE, [edit]))[0])
    assert red == pytest.approx(curve_points(edit.red)[1][1] / 2, abs=1e-6)
    assert CURVE_NODES[1] == 32 / 255


def test_curves_clip_their_input() -> None:
    edited = operators.apply_edits(
        one_pixel(1.0, 0.3, 0.3), WHOLE, [Exposure(2), Curves((1.2,) + (1,) * 7, *((1,) * 8,) * 2)]
    )
    assert float(edited[0]) == pytest.approx(1)
    # After the curves nothing of the overexposure is left for a second exposure to take back.
    back = operators.apply_edits(
        one_pixel(1.0, 0.3, 0.3), WHOLE, [Exposure(2), Curves((1.2,) + (1,) * 7, *((1,) * 8,) * 2), Exposure(-2)]
    )
    assert float(back[0]) == pytest.approx(0.25)


@pytest.mark.parametrize("edit", [Contrast(0.7), Tone((0.5,) * 4 + (1.5,) * 4)])
def test_contrast_and_tone_agree_with_the_definition(edit: Contrast | Tone) -> None:
    for x, y in curve_points(edit.curves()["value"]):
        pixel = operators.decode(torch.full((3, 1, 1), x, dtype=torch.float64))
        edited = operators.encode(operators.apply_edits(pixel, WHOLE, [edit]))
        assert edited.flatten().tolist() == pytest.approx([y] * 3, abs=1e-6)


def test_sharpening_is_an_unsharp_mask() -> None:
    picture = torch.zeros(3, 9, 9, dtype=torch.float64)
    picture[:, 4, 4] = 0.5
    width = 0.003 * SIDE
    weights = [math.exp(-((x / width) ** 2) / 2) for x in range(-3, 4)]
    middle = max(weights) / sum(weights)
    beside = weights[2] / sum(weights)
    edited = operators.apply_edits(picture, torch.ones(1, 9, 9), [Sharpening(0.4)], clip=False, side=SIDE)
    assert edited[:, 4, 4].tolist() == pytest.approx([0.5 + 0.4 * (0.5 - 0.5 * middle**2)] * 3)
    assert edited[:, 4, 3].tolist() == pytest.approx([-0.4 * 0.5 * middle * beside] * 3)
    flat = torch.full((3, 9, 9), 0.3, dtype=torch.float64)
    assert torch.allclose(operators.apply_edits(flat, torch.ones(1, 9, 9), [Sharpening(2)], side=SIDE), flat)
    # By default the picture's own longer side: here so narrow a blur that it leaves nothing to add.
    alone = operators.apply_edits(picture, torch.ones(1, 9, 9), [Sharpening(0.4)], clip=False)
    assert torch.allclose(alone, picture, atol=1e-9)


def test_masked_pixels_alone_give_the_same() -> None:
    pictures, parameters, orders = random_pictures(), random_parameters(), random_orders()
    parameters[:, SHARPENING] = 0
    mask = torch.zeros(3, 1, 5, 7, dtype=torch.float64)
    mask[:, :, 1:4, 2:5] = torch.rand(3, 1, 3, 3, dtype=torch.float64)
    whole = operators.apply(pictures, mask, parameters, orders, SIDE)
    assert torch.allclose(operators.apply_inside(pictures, mask, parameters, orders), whole)


def test_half_mask_blends_in_linear_light() -> None:
    half = torch.full((1, 1, 1), 0.5, dtype=torch.float64)
    edited = operators.apply_edits(one_pixel(0.2, 0.2, 0.2), half, [Exposure(1)])
    assert edited.flatten().tolist() == pytest.approx([0.3] * 3)


def test_parameters_to_edits_and_back() -> None:
    parameters = random_parameters(1)[0]
    for order in operators.ALL_ORDERS[::5]:
        edits = to_edits(parameters.tolist(), order.tolist())
        assert [edit.name for edit in edits] == [NAMES[index] for index in order]
        again = torch.tensor(to_parameters(edits), dtype=torch.float64)
        single = [0, 1, 2, 3, SHARPENING, CONTRAST]
        assert torch.allclose(again[single], parameters[single])
        for part in (CURVES, TONE):
            found, wanted = (torch.pow(2.0, values[part].reshape(-1, 8)) for values in (again, parameters))
            assert torch.allclose(operators.normalise_slopes(found), operators.normalise_slopes(wanted))
        picture = random_pictures(1)
        mask = torch.full((1, 1, 5, 7), 0.6, dtype=torch.float64)
        by_vector = operators.apply(picture, mask, parameters[None], order[None], SIDE)[0]
        assert torch.allclose(operators.apply_edits(picture[0], mask[0], edits, side=SIDE), by_vector, atol=1e-9)


def test_raw_zero_is_identity_and_bounds_hold() -> None:
    assert torch.equal(operators.bound_raw(torch.zeros(1, operators.RAW)), torch.zeros(1, COUNT))
    for sign in (-1, 1):
        extreme = operators.bound_raw(torch.full((1, operators.RAW), 50.0 * sign))[0]
        expected = sign * operators.list_scales()
        expected[SHARPENING] = operators.list_scales()[SHARPENING]  # never softer
        if sign < 0:
            expected[CONTRAST] = -0.25  # no fog
        assert torch.allclose(extreme, expected)
    assert operators.list_scales()[:4].tolist() == pytest.approx([1.5, 1.2, 0.2, 0.2])
    assert operators.list_scales()[CURVES].tolist() == pytest.approx([0.6] * 24)

# SPDX-License-Identifier: GPL-3.0-or-later
"""How a layer is blended with what lies below it, from one layer to another that takes its place."""

from __future__ import annotations

from gi.repository import Gimp

from ..image.pixels import copy_pixels


def copy_blending(source: Gimp.Layer, target: Gimp.Layer) -> None:
    """Give a layer the mode, with all that goes with it, and the opacity of another."""
    target.set_mode(source.get_mode())
    target.set_blend_space(source.get_blend_space())
    target.set_composite_space(source.get_composite_space())
    target.set_composite_mode(source.get_composite_mode())
    target.set_opacity(source.get_opacity())


def add_mask_of(layer: Gimp.Layer, source: Gimp.LayerMask, is_on: bool) -> None:
    """Give a layer without a mask one like that of another layer, at the same place of the canvas."""
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))
    own, other = layer.get_mask(), Gimp.Layer.from_mask(source)
    assert own is not None  # it was added just now
    (_ok, x, y), (_same, left, top) = layer.get_offsets(), other.get_offsets()
    copy_pixels(source, own, [(0, 0, source.get_width(), source.get_height())], (left - x, top - y))
    layer.set_apply_mask(is_on)

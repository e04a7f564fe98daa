# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests run inside GIMP: pictures to edit, a server that answers by itself, and looks at the result."""

from __future__ import annotations

import base64
import random
import struct
import tempfile
from functools import cache
from itertools import product
from typing import Any

from gi.repository import Gegl, Gimp, Gio

from gimp_saliency.image.thumbnail import read_thumbnail
from gimp_saliency.layers.apply import apply_plan
from gimp_saliency.layers.flat import edit_pixels
from gimp_saliency.layers.record import edits_above, read_parasite
from gimp_saliency.layers.target import editable_layer
from gimp_saliency.predict.plan import predict_plan
from gimp_saliency.shared import edits
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.errors import UserError
from gimp_saliency.shared.request import EditRequest

Gegl.init(None)
ALL_EDITS = [
    edits.Sharpening(0.09),
    edits.Contrast(0.31),
    edits.Tone((0.8, 0.9, 1, 1.1, 1.1, 1, 1, 0.9)),
    edits.Exposure(-0.61),
    edits.Saturation(0.72),
    edits.WhiteBalance(1.08, 0.93),
    edits.Curves(
        (1.3, 1.2, 1.1, 1, 1, 0.9, 0.8, 0.7), (1.2, 1.1, 1, 1, 1, 1, 0.9, 0.8), (0.8, 0.9, 1, 1, 1, 1, 1.1, 1.2)
    ),
]
AROUND = [
    edits.Sharpening(0.03),
    edits.Contrast(-0.22),
    edits.Tone((1.1, 1, 1, 1, 0.9, 0.9, 1, 1.1)),
    edits.Curves((0.9,) * 4 + (1.1,) * 4, (1.2,) + (1,) * 7, (1,) * 8),
    edits.WhiteBalance(0.95, 1.06),
    edits.Exposure(0.37),
    edits.Saturation(1.21),
]


def answer_with(answer: list[Any], background: list[Any] | None = None) -> None:
    """Let the server predict these edits, whatever it is asked; those of the background only where it is."""

    def ask_edits(pixels: bytes, width: int, height: int, request: EditRequest) -> dict[str, Any]:
        around = edits.to_json(AROUND if background is None else background)
        return {
            "edits": edits.to_json(answer),
            "model": "test",
            **({"background": around} if request.background else {}),
        }

    questions.ask_edits = ask_edits


def edit(image: Any, drawables: list[Any], direction: str, **settings: Any) -> list[Any]:
    """Attenuate or emphasize the selection of the one drawable as the procedures do; settings: see EditRequest."""
    request = EditRequest(direction, **settings)
    layer = editable_layer(image, drawables)
    thumbnail = read_thumbnail(image, layer, edits_above(image, layer))
    plan = predict_plan(thumbnail, request)
    return apply_plan(image, layer, plan, request, (thumbnail.width, thumbnail.height))


def picture(
    width: int = 64,
    height: int = 48,
    base: str = "RGB",
    precision: str = "U8_NON_LINEAR",
    alpha: str = "none",
    size: tuple[int, int] | None = None,
    offset: tuple[int, int] = (0, 0),
    seed: int = 1,
    adobe: bool = False,
) -> tuple[Any, Any]:
    """An image with one layer of noise over smooth colours.  alpha: none, opaque or partial; adobe: the profile."""
    image = Gimp.Image.new_with_precision(
        width, height, getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision)
    )
    kind = getattr(Gimp.ImageType, base + ("_IMAGE" if alpha == "none" else "A_IMAGE"))
    layer = Gimp.Layer.new(image, "Photo", *(size or (width, height)), kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    layer.set_offsets(*offset)
    write(layer, noisy_colours(layer.get_width(), layer.get_height(), alpha == "partial", seed), "R'G'B'A u8")
    if adobe:
        image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())  # the same numbers, other colours
    return image, layer


@cache
def noisy_colours(width: int, height: int, is_partial: bool, seed: int) -> bytes:
    """R'G'B'A bytes: noise over smooth colours; is_partial: alpha is noise, too, rather than full."""
    draw = random.Random(seed)
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            colour = (4 * x % 256, 5 * y % 256, 2 * (x + y) % 256)
            pixels += bytes((value + draw.randrange(64)) % 256 for value in colour)
            pixels.append(draw.randrange(256) if is_partial else 255)
    return bytes(pixels)


def write(drawable: Any, pixels: bytes, babl_format: str) -> None:
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height()), babl_format, pixels)
    buffer.flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def read(drawable: Any, babl_format: str = "R'G'B'A double") -> bytes:
    """The pixels of a drawable.  Double precision tells any two values of any image apart."""
    rectangle = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return bytes(drawable.get_buffer().get(rectangle, 1.0, babl_format, Gegl.AbyssPolicy.NONE))


def read_mask(image: Any, layer: Any, babl_format: str) -> bytes:
    """The layer's mask on the whole canvas: nothing around the layer."""
    _ok, x, y = layer.get_offsets()
    canvas = Gegl.Rectangle.new(-x, -y, image.get_width(), image.get_height())
    return bytes(layer.get_mask().get_buffer().get(canvas, 1.0, babl_format, Gegl.AbyssPolicy.NONE))


def visible(image: Any, babl_format: str = "R'G'B'A double") -> bytes:
    """The pixels of the composition, in the image's own precision."""
    size = image.get_width(), image.get_height()
    other = Gimp.Image.new_with_precision(*size, image.get_base_type(), image.get_precision())
    try:
        if (profile := image.get_color_profile()) is not None:
            other.set_color_profile(profile)
        layer = Gimp.Layer.new_from_visible(image, other, "")
        other.insert_layer(layer, None, 0)
        return read(layer, babl_format)
    finally:
        other.delete()


def selection(image: Any, babl_format: str = "Y double") -> bytes:
    """The selection, linear."""
    return read(image.get_selection(), babl_format)


def select(image: Any, rectangle: tuple[int, int, int, int] = (10, 8, 30, 24), feather: float = 8) -> None:
    """A soft ellipse, in pixels."""
    image.select_ellipse(Gimp.ChannelOps.REPLACE, *rectangle)
    if feather:
        Gimp.Selection.feather(image, feather)


def tree(image: Any) -> list[Any]:
    """Names, visibility, masks, filters and parasites of all layers, top first."""

    def describe(layer: Any) -> list[Any]:
        children = layer.get_children() if layer.is_group() else []
        operations = [f.get_operation_name() for f in layer.get_filters()]
        return [
            layer.get_name(),
            layer.get_visible(),
            layer.get_mask() is not None,
            operations,
            layer.get_parasite_list(),
            [describe(child) for child in children],
        ]

    return [describe(layer) for layer in image.get_layers()]


def text(data: bytes) -> str:
    """Bytes as JSON can carry them."""
    return base64.b64encode(data).decode()


def random_edits(draw: random.Random) -> list[Any]:
    """All seven edits in a random order, with parameters over the range that the network may use at 150 %."""
    slopes = [[2 ** draw.uniform(-0.9, 0.9) for _ in range(edits.SEGMENTS)] for _ in range(3)]
    fixed = [
        edits.Sharpening(draw.uniform(0, 0.1)),
        edits.Contrast(draw.uniform(-0.9, 0.9)),
        edits.Tone(tuple(2 ** draw.uniform(-0.45, 0.45) for _ in range(edits.SEGMENTS))),
    ]
    chosen = [
        edits.Exposure(draw.uniform(-2, 2)),
        edits.Saturation(2 ** draw.uniform(-1.8, 1.8)),
        edits.WhiteBalance(2 ** draw.uniform(-0.3, 0.3), 2 ** draw.uniform(-0.3, 0.3)),
        edits.Curves(*(tuple(channel) for channel in slopes)),
    ]
    draw.shuffle(chosen)
    return [*fixed, *chosen]


def parity(
    precision: str, babl_format: str, cases: int, background: bool, size: tuple[int, int], adobe: bool = False
) -> list[dict[str, Any]]:
    """Random edits through a soft selection: pixels before (linear float) and after (`babl_format`), mask, edits."""
    results = []
    width, height = size
    for seed in range(cases):
        draw = random.Random(seed)
        chosen, around = random_edits(draw), random_edits(draw) if background else []
        answer_with(chosen, around)
        image, layer = picture(width, height, precision=precision, seed=seed, adobe=adobe)
        select(image, (width // 6, height // 6, width // 2, height // 2), 0 if seed % 4 == 0 else 12)
        before = read(layer, "RGB float")
        edit(image, [layer], "attenuate", background=background)
        results.append(
            {
                "edits": edits.to_json(chosen),
                "background": edits.to_json(around),
                "before": text(before),
                "mask": text(selection(image, "Y float")),
                "after": text(visible(image, babl_format)),
            }
        )
        image.delete()
    return results


PRECISIONS = [
    f"{component}_{encoding}"
    for component in ("U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE")
    for encoding in ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
]
SHAPES: dict[str, dict[str, Any]] = {
    "opaque": {},
    "alpha, all opaque": {"alpha": "opaque"},
    "partly transparent": {"alpha": "partial"},
    "Adobe RGB": {"adobe": True},
    "small, with offset": {"size": (40, 30), "offset": (5, 7)},
    "larger than the canvas, partly transparent": {"alpha": "partial", "size": (80, 60), "offset": (-6, -4)},
}


def unchanged_outside(image: Any, after: bytes, before: bytes, composed: bytes) -> bool:
    """Whether every pixel that is not selected at all has the same 32 bytes (R'G'B'A double) as in another."""
    mask = selection(image)
    outside = [slice(4 * i, 4 * i + 32) for i in range(0, len(mask), 8) if mask[i : i + 8] == bytes(8)]
    return bool(outside) and all(after[p] in (before[p], composed[p]) for p in outside)


def _below_an_empty_layer(image: Any) -> bytes:
    """The composition with an empty layer on top: GIMP rounds some floating-point pixels when it composes layers."""
    copy = image.duplicate()
    try:
        kind = "GRAYA_IMAGE" if image.get_base_type() == Gimp.ImageBaseType.GRAY else "RGBA_IMAGE"
        size = image.get_width(), image.get_height()
        empty = Gimp.Layer.new(copy, "", *size, getattr(Gimp.ImageType, kind), 100, Gimp.LayerMode.NORMAL)
        copy.insert_layer(empty, None, 0)
        return visible(copy)
    finally:
        copy.delete()


def edit_each_type() -> dict[str, dict[str, Any]]:
    """Edit every kind of image; what happened, by its description."""
    answer_with(ALL_EDITS)
    results = {}
    for base in ("RGB", "GRAY"):
        for precision in PRECISIONS:
            for shape, options in SHAPES.items():
                if base == "GRAY" and "adobe" in options:
                    continue
                image, layer = picture(precision=precision, base=base, **options)
                select(image)
                before, was_selected = visible(image), selection(image)
                composed = before if precision.startswith("U8") else _below_an_empty_layer(image)
                layers = edit(image, [layer], "attenuate")
                after = visible(image)
                results[f"{base} {precision} {shape}"] = {
                    "unchanged outside": unchanged_outside(image, after, before, composed),
                    "changed inside": before != after,
                    "selection kept": _largest_difference(was_selected, selection(image))
                    <= _selection_rounding(precision),
                    "layers": len(layers),
                    "saved": saved_and_loaded(image) == after,
                }
                image.delete()
    return results


def edit_flat() -> dict[str, dict[str, Any]]:
    """Edit images of one layer in layers and straight in their pixels; how these compare, by description."""
    pointwise = [[each for each in some if each.name != "sharpening"] for some in (ALL_EDITS, AROUND)]
    results = {}
    cases: dict[str, dict[str, Any]] = {
        f"{base} {precision} {alpha}": {"base": base, "precision": precision, "alpha": alpha}
        for base in ("RGB", "GRAY")
        for precision in ("U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR")
        for alpha in ("none", "partial")
    }
    large = {"width": 1500, "height": 80}  # where sharpening looks at many pixels around the selection
    cases |= {"RGB U8_NON_LINEAR large": large, "RGB U16_NON_LINEAR large": {**large, "precision": "U16_NON_LINEAR"}}
    cases |= {f"{name}, loaded": cases[name] for name in ("RGB U8_NON_LINEAR none", "RGB U8_NON_LINEAR partial")}
    for (name, options), background, is_sharpened in product(cases.items(), (False, True), (False, True)):
        answer_with(*((ALL_EDITS, AROUND) if is_sharpened else pointwise))
        image, layer = picture(**options)
        if "large" in name:
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 400, 20, 300, 40)
        else:
            select(image)
        if "loaded" in name:
            image = load_again(image)
            layer = image.get_layers()[0]
        flat, before = image.duplicate(), visible(image)
        edit_pixels(flat, EditRequest("emphasize", background=background))
        straight = visible(flat)
        edit(image, [layer], "emphasize", background=background)
        results[f"{name}, background {background}, sharpened {is_sharpened}"] = {
            "unchanged outside": background or unchanged_outside(image, straight, before, before),
            "changed inside": before != straight,
            "difference": _largest_difference(straight, visible(image)),
        }
        image.delete()
        flat.delete()
    return results


def _selection_rounding(precision: str) -> float:
    """What a selection may lose when it is set aside and brought back.

    GIMP combines selections in single precision.  Of an image in double precision that costs up to a step or two of
    2^-23, depending on which conversion measured fastest when this GIMP started; of every other image nothing.
    """
    return 2**-22 if precision.startswith("DOUBLE") else 0


def saved_and_loaded(image: Any) -> bytes:
    """The composition after saving as XCF and loading again."""
    loaded = load_again(image)
    try:
        return visible(loaded)
    finally:
        loaded.delete()


def load_again(image: Any) -> Any:
    """The image as an XCF file keeps it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Gio.File.new_for_path(folder + "/saved.xcf")
        Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
        return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)


def sentence(prepare: Any, **options: Any) -> dict[str, Any]:
    """The error of an edit on a picture that `prepare(image, layer)` spoils (it may return other drawables)."""
    answer_with(ALL_EDITS)
    image, layer = picture(**options)
    image.undo_enable()
    select(image)
    drawables = prepare(image, layer) or [layer]
    image.clean_all()
    before = tree(image)
    try:
        edit(image, drawables, "attenuate")
        message = None
    except UserError as error:
        message = str(error)
    result = {"message": message, "untouched": tree(image) == before and not image.is_dirty()}
    image.delete()
    return result


def change_curve(layer: Any) -> None:
    """Change the curve of all channels as the user does in GIMP's dialog."""
    live_filter = next(each for each in layer.get_filters() if each.get_operation_name() == "gimp:curves")
    curve = Gimp.Curve.new()
    curve.clear_points()
    for point in ((0, 0), (0.5, 0.7), (1, 1)):
        curve.add_point(*point)
    live_filter.get_config().set_property("channel", Gimp.HistogramChannel.VALUE)
    live_filter.get_config().set_property("curve", curve)
    live_filter.update()


def paste_part(image: Any, path: str, polygon: list[list[float]], width: int, place: tuple[int, int]) -> None:
    """Lay a part of a file's picture above an image, masked by a polygon, and make it the active layer.

    polygon: points in shares of the picture's sides; width: of the picture then, px; place: of its corner.
    """
    layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path))
    image.insert_layer(layer, None, 0)
    layer.scale(width, round(layer.get_height() * width / layer.get_width()), False)
    layer.set_offsets(*place)
    points = [(place[0] + x * width, place[1] + y * layer.get_height()) for x, y in polygon]
    image.select_polygon(Gimp.ChannelOps.REPLACE, [number for point in points for number in point])
    Gimp.Selection.feather(image, 2)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.Selection.none(image)
    image.set_selected_layers([layer])
    image.clean_all()


def cut_out(image: Any, layer: Any) -> None:
    """Lay the selected part of a layer above it, darker, and make that the active layer."""
    part = layer.copy()
    image.insert_layer(part, None, 0)
    part.set_visible(True)
    part.add_mask(part.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.Selection.none(image)
    part.levels(Gimp.HistogramChannel.VALUE, 0, 1, True, 0.6, 0, 1, True)
    image.set_selected_layers([part])


def into_group(image: Any, layer: Any) -> list[Any]:
    group = Gimp.GroupLayer.new(image, "Group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    return [group]


def with_mask(image: Any, layer: Any) -> list[Any]:
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
    return [layer.get_mask()]


def float_selection(image: Any, layer: Any) -> None:
    Gimp.edit_copy([layer])
    Gimp.edit_paste(layer, False)


def edit_transparent() -> dict[str, Any]:
    """Curves on partly transparent pixels, and on the same ones without transparency."""
    answer_with([each for each in ALL_EDITS if each.name in ("tone", "contrast", "curves")])
    found, alphas = [], []
    for alpha in ("partial", "opaque"):
        image, layer = picture(alpha="partial")
        before = pixels = read(layer, "R'G'B'A u8")
        if alpha == "opaque":
            pixels = bytes(255 if i % 4 == 3 else value for i, value in enumerate(before))
            write(layer, pixels, "R'G'B'A u8")
        select(image)
        edit(image, [layer], "emphasize")
        found.append(visible(image, "R'G'B'A u8"))
        alphas.append(found[-1][3::4] == pixels[3::4])
        image.delete()
    seen = [i for i in range(len(before)) if i % 4 < 3 and before[i // 4 * 4 + 3] > 0]
    return {
        "alpha": all(alphas),
        "changed": found[0] != before,
        "difference": max(abs(found[0][i] - found[1][i]) for i in seen) / 255,
    }


def edit_twice() -> dict[str, Any]:
    """Two edits on one layer: what the server sees the second time, and what is left of the first."""
    image, layer = picture()
    pictures = []

    def ask_edits(pixels: bytes, *arguments: Any) -> dict[str, Any]:
        pictures.append(pixels)
        return {"edits": edits.to_json([edits.Exposure(-1)]), "model": "test"}

    questions.ask_edits = ask_edits
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 32, 48)
    edit(image, [layer], "attenuate")
    once = visible(image)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 32, 0, 32, 48)
    edit(image, image.get_selected_layers(), "attenuate")
    twice = visible(image)
    dark = [4 * (64 * y + x) for y in range(48) for x in range(32)]
    brightness = [sum(pixels[i] for i in dark) for pixels in pictures]
    left, right = [[32 * (64 * y + x) for y in range(48) for x in columns] for columns in (range(32), range(32, 64))]
    result = {
        "seen": "the first edit's result" if brightness[1] < 0.8 * brightness[0] else "the original",
        "first kept": all(once[i : i + 32] == twice[i : i + 32] for i in left),
        "changed": any(once[i : i + 32] != twice[i : i + 32] for i in right),
    }
    image.delete()
    return result


def thumbnails() -> dict[str, tuple[float, float]]:
    """Mean differences between canvas.read and the picture's own pixels in sRGB, for colours and for the mask."""
    results = {}
    scenes: dict[str, dict[str, Any]] = {"alone": {}, "below another layer": {}, "Adobe RGB": {"adobe": True}}
    for base in ("RGB", "GRAY"):
        for precision in PRECISIONS:
            for scene, options in scenes.items():
                if base == "GRAY" and "adobe" in options:
                    continue
                image, layer = picture(precision=precision, base=base, **options)
                select(image)
                if scene == "below another layer":
                    _cover(image)
                thumbnail = read_thumbnail(image, layer)
                colours, mask = read(layer, "R'G'B' u8"), read(image.get_selection(), "Y u8")
                seen = bytes(value for i, value in enumerate(thumbnail.pixels) if i % 4 < 3)
                results[f"{base} {precision} {scene}"] = (
                    _mean_difference(seen, colours),
                    _mean_difference(thumbnail.pixels[3::4], mask),
                )
                image.delete()
    return results


def _cover(image: Any) -> None:
    """Put the negative on top, which an edit below must not see."""
    layer = image.get_layers()[0].copy()
    image.insert_layer(layer, None, 0)
    layer.invert(False)


def _largest_difference(one: bytes, other: bytes) -> float:
    """Of numbers in double precision."""
    values = (struct.unpack(f"{len(data) // 8}d", data) for data in (one, other))
    return max(abs(a - b) for a, b in zip(*values))


def _mean_difference(one: bytes, other: bytes) -> float:
    return sum(abs(a - b) for a, b in zip(one, other)) / len(one)


def call(name: str, image: Any, drawables: list[Any], **arguments: Any) -> tuple[str, str | None]:
    """Run a procedure as a script does: status and error message."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", arguments.pop("run_mode", Gimp.RunMode.NONINTERACTIVE))
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for argument, value in arguments.items():
        config.set_property(argument, value)
    values = procedure.run(config)
    status = values.index(0)
    return status.value_nick, None if status == Gimp.PDBStatusType.SUCCESS else Gimp.get_pdb().get_last_error()


def returned_to_script_fu(image: Any, layer: Any) -> list[str]:
    """Names of the layers that the procedure returns: Script-Fu selects them, since Python cannot read such values."""
    script = f"""(let* ((result (plug-in-saliency-attenuate #:run-mode RUN-NONINTERACTIVE #:image {image.get_id()}
                              #:drawables (vector {layer.get_id()}))))
                   (gimp-image-set-selected-layers {image.get_id()} (car result)))"""
    evaluate = Gimp.get_pdb().lookup_procedure("plug-in-script-fu-eval")
    config = evaluate.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("script", script)
    if evaluate.run(config).index(0) != Gimp.PDBStatusType.SUCCESS:
        return [Gimp.get_pdb().get_last_error()]
    return [item.get_name() for item in image.get_selected_layers()]


def registered(name: str) -> dict[str, Any]:
    """What GIMP knows of a procedure."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    return {
        "label": procedure.get_menu_label(),
        "paths": procedure.get_menu_paths(),
        "types": procedure.get_image_types(),
        "blurb": procedure.get_blurb(),
        "help": procedure.get_help(),
        "arguments": {spec.get_name(): spec.get_nick() for spec in procedure.get_arguments()},
        "returns": [spec.get_name() for spec in procedure.get_return_values()],
    }


def predicted() -> dict[str, Any]:
    """Real edits by the real server on one picture, with all arguments and run modes."""
    results: dict[str, Any] = {}
    image, layer = picture(240, 160)
    select(image, (60, 40, 90, 70), 6)
    for direction in ("attenuate", "emphasize"):
        for order in ("best-realism", "best-saliency", "random"):
            name = f"plug-in-saliency-{direction}"
            copy = image.duplicate()
            before = visible(copy)
            status, error = call(name, copy, copy.get_selected_layers(), order=order, strength=120.0)
            contents = [read_parasite(item) or {} for item in copy.get_layers()[:-1]]
            results[f"{direction} {order}"] = {
                "status": status,
                "error": error,
                "changed": visible(copy) != before,
                "parasites": contents,
            }
            copy.delete()
    nothing = call("plug-in-saliency-attenuate", image, [layer], strength=0.0)
    again = call("plug-in-saliency-attenuate", image, [layer], run_mode=Gimp.RunMode.WITH_LAST_VALS)
    copy = image.duplicate()
    returned = returned_to_script_fu(copy, copy.get_layers()[-1])
    copy.delete()
    Gimp.Selection.none(image)
    refused = call("plug-in-saliency-attenuate", image, [layer])
    image.delete()
    return {"edits": results, "nothing": nothing, "again": again, "returned": returned, "refused": refused}

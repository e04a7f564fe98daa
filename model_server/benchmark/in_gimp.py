# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit costs in GIMP, beside what GIMP itself takes for the same picture."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gimp_saliency.shared.json_type import Json
from gimp_saliency.shared.request import EditRequest
from model_server.batch.jobs import Failure, Jobs, Source, find_jobs
from model_server.batch.masks import MaskFolder
from model_server.batch.runner import Runner
from model_server.benchmark import pictures, serving
from model_server.benchmark.figures import Figure
from model_server.gimp import plugin_copy, start_command
from model_server.gimp.find import find_gimp
from model_server.gimp.running import Gimp, GimpError, run_script

_LIMIT = 900.0  # seconds for a script in GIMP
_LARGE, _SMALL = (6000, 4000), (1200, 800)
_SIZES = {1: (1200, 800), 6: (3000, 2000), 24: (6000, 4000), 100: (12200, 8200)}  # megapixels

# A plug-in in Python that does nothing: what any plug-in costs.
_EMPTY = """#!/usr/bin/env python3
import sys
import gi
gi.require_version("Gimp", "3.0")
from gi.repository import Gimp

class Empty(Gimp.PlugIn):
    def do_query_procedures(self):
        return ["plug-in-saliency-empty"]

    def do_set_i18n(self, name):
        return False

    def do_create_procedure(self, name):
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self.run, None)
        procedure.set_image_types("*")
        return procedure

    def run(self, procedure, run_mode, image, drawables, config, data):
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)

Gimp.main(Empty.__gtype__, sys.argv)
"""

_COMMON = """
import statistics, sys, time
sys.path.append({plugin!r})
from gimp_saliency.batch import files
from gimp_saliency.image.thumbnail import read_thumbnail
from gimp_saliency.shared.client import questions
from gimp_saliency.shared.request import EditRequest
from gi.repository import Gimp, Gio

def load(path):
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))

def select(image):
    width, height = image.get_width(), image.get_height()
    left, top, right, bottom = {region!r}
    box = left * width, top * height, (right - left) * width, (bottom - top) * height
    image.select_ellipse(Gimp.ChannelOps.REPLACE, *box)

def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

def call(name, image):
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_layers())
    assert procedure.run(config).index(0) == Gimp.PDBStatusType.SUCCESS, Gimp.get_pdb().get_last_error()
"""

_MENU = """
image = load({picture!r})
layer = image.get_layers()[0]
select(image)

def undo():
    for other in image.get_layers():
        if other.get_id() != layer.get_id():
            image.remove_layer(other)
    layer.set_visible(True)
    image.set_selected_layers([layer])
    image.undo_disable()  # forgets the steps, which would fill the memory
    image.undo_enable()

times = {{"edit": [], "empty": [], "read": []}}
for number in range({rounds} + 1):
    times["empty"].append(seconds(lambda: call("plug-in-saliency-empty", image)))
    times["edit"].append(seconds(lambda: call("plug-in-saliency-attenuate", image)))
    undo()
    times["read"].append(seconds(lambda: read_thumbnail(image, layer)))
result = {{name: statistics.median(found[1:]) for name, found in times.items()}}
"""

_COMPOSITION = """
def expose(image):
    layer = image.get_layers()[0]
    exposure = Gimp.DrawableFilter.new(layer, "gegl:exposure", "")
    exposure.get_config().set_property("exposure", -0.5)
    layer.append_filter(exposure)

def edit(image):
    select(image)
    call("plug-in-saliency-attenuate", image)
    Gimp.Selection.none(image)

def compose(image):
    copy = image.duplicate()  # of which nothing is composed yet
    took = seconds(lambda: copy.insert_layer(Gimp.Layer.new_from_visible(copy, copy, ""), None, 0))
    copy.delete()
    return took

images = {{}}
for change in (expose, edit):
    images[change.__name__] = load({picture!r})
    change(images[change.__name__])
times = {{name: [] for name in images}}
for number in range({rounds} + 1):
    for name, image in images.items():
        times[name].append(compose(image))
result = {{name: statistics.median(found[1:]) for name, found in times.items()}}
"""

_SIZE = """
asked = {{}}
for megapixels, (width, height) in {sizes!r}.items():
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    small = load({picture!r})
    layer = Gimp.Layer.new_from_drawable(small.get_layers()[0], image)
    image.insert_layer(layer, None, 0)
    layer.scale(width, height, False)
    small.delete()
    select(image)
    asked[megapixels] = read_thumbnail(image, layer)
    image.delete()
times = {{megapixels: [] for megapixels in asked}}
for _ in range({rounds}):
    for megapixels, seen in asked.items():
        answer = questions.ask_edits(seen.pixels, seen.width, seen.height, EditRequest("attenuate"))
        times[megapixels].append(answer["milliseconds"])
result = {{megapixels: statistics.median(found) for megapixels, found in times.items()}}
"""

_PLAIN = """
def plain(picture, output):
    image = load(picture)
    files.export_visible(image, output, output.rpartition(".")[2], False)
    image.delete()

result = [seconds(lambda: plain(*paths)) for paths in {jobs!r}]
"""


def measure(rounds: int, short: bool) -> list[Figure]:
    """From call to edited image, independence of the size; not `short`: composition and batches, too.

    Raises GimpError or ServerError.
    """
    found = find_gimp()
    with (
        serving.run_server(),
        tempfile.TemporaryDirectory(prefix="gimp-saliency-") as folder,
        _make_profile(found, Path(folder)),
    ):
        large = Path(folder, "large.png")
        pictures.make_photograph(*_LARGE).save(large, compress_level=1)
        figures = [*_measure_menu(found, large, rounds), *_measure_sizes(found, large, rounds)]
        if not short:
            figures += _measure_composition(found, large, rounds)
            figures += _measure_batches(found, Path(folder))
            figures.append(_measure_scaling(found, Path(folder)))
        return figures


def _measure_menu(gimp: Gimp, picture: Path, rounds: int) -> list[Figure]:
    took = _run(gimp, _MENU, picture=str(picture), rounds=rounds)
    return [
        Figure("an empty Python procedure, 24 megapixels", took["empty"], "s"),
        Figure("procedure to edit, 24 megapixels, more than the empty one", took["edit"] - took["empty"], "s", 0.3),
        Figure("of which GIMP's thumbnail and selection", took["read"], "s"),
    ]


def _measure_composition(gimp: Gimp, picture: Path, rounds: int) -> list[Figure]:
    took = _run(gimp, _COMPOSITION, picture=str(picture), rounds=rounds)
    return [
        Figure("GIMP composes 24 megapixels with one edit", took["edit"], "s"),
        Figure("with one edit : with one live exposure of the whole picture", took["edit"] / took["expose"], "×", 2.0),
    ]


def _measure_sizes(gimp: Gimp, picture: Path, rounds: int) -> list[Figure]:
    milliseconds = _run(gimp, _SIZE, picture=str(picture), sizes=_SIZES, rounds=max(15, rounds))
    return [
        *(Figure(f"in the server, {name} megapixels", value, "ms") for name, value in milliseconds.items()),
        Figure("slowest : quickest of these sizes", max(milliseconds.values()) / min(milliseconds.values()), "×", 1.1),
    ]


def _measure_batches(gimp: Gimp, folder: Path) -> list[Figure]:
    figures = []
    for name, size, suffix, count, target in (
        ("24 megapixels, JPEG", _LARGE, "jpg", 16, 1.15),
        ("1 megapixel, PNG", _SMALL, "png", 21, 1.6),
    ):
        inputs, masks = pictures.make_folder(folder, count, size, suffix)
        with tempfile.TemporaryDirectory(dir=folder) as output:
            jobs = find_jobs(inputs, Source(MaskFolder(masks)), Path(output), None)
            plain = _run(gimp, _PLAIN, jobs=[(str(job.picture), str(job.output)) for job in jobs])
            _run_batch(gimp, jobs, 1)
            # From the first result to the last one: GIMP's start counts in neither.
            done = [job.output.stat().st_mtime for job in jobs]
        edited = (max(done) - min(done)) / (count - 1)
        figures.append(Figure(f"batch : load and export, {name}", edited / statistics.mean(plain[1:]), "×", target))
    return figures


def _measure_scaling(gimp: Gimp, folder: Path) -> Figure:
    """How much sooner two processes are done than one, GIMP's start included."""

    def run(processes: int) -> float:
        with tempfile.TemporaryDirectory(dir=folder) as output:
            jobs = find_jobs(folder / "pictures-jpg", Source(MaskFolder(folder / "masks-jpg")), Path(output), None)
            start = time.perf_counter()
            _run_batch(gimp, jobs, processes)
            return time.perf_counter() - start

    return Figure("batch of 24 megapixels: one process : two", run(1) / run(2), "×", 1.6, more_is_better=True)


def _run_batch(gimp: Gimp, jobs: Jobs, processes: int) -> None:
    """Do all jobs.  Raises BatchError, ServerError or GimpError."""
    with Runner.with_gimps(gimp, processes, _LIMIT, EditRequest("attenuate"), jobs.output) as runner:
        for result in runner.run(jobs):
            if isinstance(result, Failure):
                raise GimpError(str(result))


@contextmanager
def _make_profile(gimp: Gimp, folder: Path) -> Iterator[None]:
    """A profile for GIMP with the plug-in and the empty one, which it knows already."""
    profile = folder / "profile"
    plugin_copy.install_plugin(profile, start_command.plugin_command())
    empty = profile / "plug-ins" / "empty" / "empty.py"
    empty.parent.mkdir()
    empty.write_text(_EMPTY, encoding="utf-8")
    empty.chmod(0o755)
    with serving.set_environment(GIMP3_DIRECTORY=str(profile), PYTHONDONTWRITEBYTECODE=""):
        run_script(gimp, "result = 0", _LIMIT)
        yield


def _run(gimp: Gimp, code: str, **values: object) -> Json:
    values = {**values, "plugin": str(plugin_copy.PACKAGE.parent), "region": pictures.REGION}
    return run_script(gimp, (_COMMON + code).format(**values), _LIMIT)

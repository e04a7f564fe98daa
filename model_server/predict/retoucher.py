# SPDX-License-Identifier: GPL-3.0-or-later
"""The retouch tool: which edits make a photograph look as good as it can, in each look, by one pass of one network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from gimp_saliency.shared.choices import LOOKS
from gimp_saliency.shared.edits import Edit
from gimp_saliency.shared.retouch import MATCH
from model_server.predict.canvas import SMALLEST, Bytes, Canvas, Floats, check_picture
from model_server.predict.editor import Operators, decode, encode
from model_server.predict.errors import REINSTALL, NetworkError
from model_server.predict.networks import Networks
from model_server.predict.retouch_map import CONDITION, FORMAT, ORDER
from model_server.predict.skin import choose_share, find_skin, turns_hue
from model_server.predict.vector import NAMES, PLACES, to_edits

RETOUCH = "retouch.onnx"

_TOOL = "retouch"  # in the manifest
_ORDER = tuple(NAMES.index(name) for name in ORDER)
_CHANNELS = 3  # of the curves

Vector = Floats  # [COUNT], see `vector`


class Retoucher:
    """The tool.  Thread-safe.

    model: name, version and beginning of the sha256 of its network, for people; empty where there is none.
    files: none where the networks are older than the tool, which is told when it is asked for.
    """

    def __init__(self, networks: Networks) -> None:
        """Raises NetworkError where the file is not intact."""
        self._networks = networks
        self._operators = Operators(networks)
        self.files = (RETOUCH,) if networks.has(RETOUCH) else ()
        self.model = networks.name_model(_TOOL, RETOUCH) if self.files else ""
        networks.check(self.files)

    def predict_looks(
        self, picture: Bytes, people: bool = True, reference: Bytes | None = None
    ) -> dict[str, list[Edit]]:
        """The edits of each look at 100 %, by names in LOOKS: the same kinds in the same order of application.

        picture: (H, W, 4) uint8, display-encoded sRGB and a mask, sides of at least 16 pixels: the box that the mask
        covers is looked at.  people: whether skin keeps its hue.  reference: (h, w, 3) of another photograph, whose
        look is added as MATCH.  Raises ValueError on anything else, and where the network says no numbers; NetworkError
        where it cannot be loaded.
        """
        check_picture(picture, channels=4)
        canvas = FORMAT.place(_cut_box(picture))
        condition = np.zeros((1, CONDITION), np.float32)
        if reference is not None:
            check_picture(reference, channels=3)
            condition = self._run(FORMAT.place(reference), condition)[1]
        found, _own, matched = self._run(canvas, condition)
        vectors = dict(zip(LOOKS, found))
        if reference is not None:
            vectors[MATCH] = matched[0]
        if people:
            skin = find_skin(canvas.picture[0][:, canvas.valid[0, 0] > 0].T)
            vectors = {name: self._keep_skin(vector, skin) for name, vector in vectors.items()}
        return {name: to_edits(vector.tolist(), _ORDER) for name, vector in vectors.items()}

    def _run(self, canvas: Canvas, reference: Floats) -> tuple[Floats, Floats, Floats]:
        """Parameters [looks, COUNT], condition [1, CONDITION] and matched [1, COUNT], see `training.export`."""
        if not self.files:
            raise NetworkError(f"The installed networks are older than Retouch; {REINSTALL}")
        inputs = {"picture": canvas.picture, "valid": canvas.valid, "reference": reference}
        parameters, condition, matched = self._networks.session(RETOUCH).run(None, inputs)
        if not (np.isfinite(parameters).all() and np.isfinite(matched).all()):
            raise ValueError("The network that retouches says no numbers.")
        return parameters, condition, matched

    def _keep_skin(self, vector: Vector, skin: Floats) -> Vector:
        """The vector with as much of what changes hues as skin [n, 3], display-encoded, can bear."""
        change: Callable[[float], Vector] = partial(_tame_hues, vector)
        share = choose_share(skin, lambda share: self._apply(change(share), skin), turns_hue)
        return change(share)

    def _apply(self, vector: Vector, colours: Floats) -> Floats:
        """Colours [n, 3], display-encoded, after the edits."""
        linear = np.ascontiguousarray(decode(colours).T[None, :, None])
        numbers = np.asarray(self._operators.words.to_parameters(to_edits(vector.tolist(), _ORDER)), np.float32)[None]
        edited = self._operators.run_together(ORDER, linear, np.ones_like(linear[:, :1]), numbers)
        return np.ascontiguousarray(encode(edited)[0, :, 0].T)


def _cut_box(picture: Bytes) -> Bytes:
    """The colours of the box that the mask covers, or of all where that is too small to judge."""
    covered = picture[:, :, 3] > 0
    rows, columns = (np.flatnonzero(covered.any(axis)) for axis in (1, 0))
    if len(rows) and min(rows[-1] - rows[0], columns[-1] - columns[0]) >= SMALLEST - 1:
        picture = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(picture[:, :, :3])


def _tame_hues(vector: Vector, share: float) -> Vector:
    """The vector with so much of its white balance and of what its curves differ by."""
    tamed = vector.copy()
    tamed[PLACES["white-balance"]] *= share
    curves = vector[PLACES["curves"]].reshape(_CHANNELS, -1)
    mean = curves.mean(0)
    tamed[PLACES["curves"]] = (mean + share * (curves - mean)).flatten()
    return tamed

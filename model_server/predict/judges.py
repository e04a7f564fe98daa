# SPDX-License-Identifier: GPL-3.0-or-later
"""What viewers and a critic say of a picture: the saliency and the realism network."""

from __future__ import annotations

from model_server.predict.canvas import Floats
from model_server.predict.networks import Networks

SALIENCY, REALISM = "saliency.onnx", "realism.onnx"


class Judges:
    """Viewers and critic.  Thread-safe.

    All take a picture [1, 3, H, W], display-encoded 0..1, on a canvas whose `valid` [1, 1, H, W] is 1 where the picture
    is, and a region's mask [1, 1, H, W], 0..1.  Raise NetworkError where a network cannot be loaded.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    def measure_share(self, picture: Floats, mask: Floats, valid: Floats) -> float:
        """The share of the viewers' attention that falls into the region, 0..1."""
        inputs = {"picture": picture, "mask": mask, "valid": valid}
        return float(self._networks.session(SALIENCY).run(["share"], inputs)[0][0])

    def measure_realism(self, picture: Floats, mask: Floats, valid: Floats) -> float:
        """How real the region looks to the critic, 0..1."""
        inputs = {"picture": picture, "mask": mask, "valid": valid}
        return float(self._networks.session(REALISM).run(None, inputs)[0][0])

    def map_density(self, picture: Floats, valid: Floats) -> Floats:
        """Where viewers look: [h, w], the share of all attention that falls into each cell of the network's grid."""
        inputs = {"picture": picture, "mask": valid, "valid": valid}
        density: Floats = self._networks.session(SALIENCY).run(["density"], inputs)[0][0]
        return density

    def map_and_share(self, picture: Floats, mask: Floats, valid: Floats) -> tuple[Floats, float]:
        """Where viewers look, and the region's share, in one run."""
        inputs = {"picture": picture, "mask": mask, "valid": valid}
        share, density = self._networks.session(SALIENCY).run(["share", "density"], inputs)
        return density[0], float(share[0])

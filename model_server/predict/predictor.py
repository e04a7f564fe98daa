# SPDX-License-Identifier: GPL-3.0-or-later
"""All tools that predict, with the shipped networks; onnxruntime on one CPU thread each, no torch."""

from __future__ import annotations

from pathlib import Path

from model_server.predict.attention import Attention
from model_server.predict.border import LIMIT
from model_server.predict.fitting import Fitting
from model_server.predict.harmonizer import Harmonizer
from model_server.predict.networks import NETWORKS, Networks
from model_server.predict.pool import make_pool
from model_server.predict.retoucher import Retoucher


class Predictor:
    """What the server's worker holds.  Not thread-safe.

    model, networks: name of the edit network and facts about all files, for people.
    """

    def __init__(self, folder: Path = NETWORKS, most_border: float = LIMIT) -> None:
        """most_border: how much of a border an edit may show.

        Raises NetworkError if a file is missing or has another sha256 than the manifest says.
        """
        pool = make_pool()
        self._networks = Networks(folder, pool)
        self.attention = Attention(self._networks, pool, most_border)
        self.fitting = Fitting(self._networks)
        self.harmonizer = Harmonizer(self._networks)
        self.retoucher = Retoucher(self._networks)
        self.model = self._networks.model
        tools = self.attention, self.fitting, self.harmonizer, self.retoucher
        self._files = tuple(name for tool in tools for name in tool.files)
        self.networks = self._networks.describe(self._files)

    def load(self) -> None:
        """Load all networks now, not when they are first needed.  Raises NetworkError."""
        self._networks.load(self._files)

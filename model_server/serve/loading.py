# SPDX-License-Identifier: GPL-3.0-or-later
"""Load what predicts, and say in one sentence why that failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_server.predict.errors import NO_MEMORY, NetworkError, is_shortage

if TYPE_CHECKING:
    from model_server.predict.predictor import Predictor


def load_predictor(networks: Path | None) -> Predictor:
    """The predictor with the networks of a folder, the shipped ones by default.

    What it raises has one sentence for the user.
    """
    try:
        return _import_and_load(networks)
    except Exception as error:
        if is_shortage(error):
            raise RuntimeError(NO_MEMORY) from error
        raise


def _import_and_load(networks: Path | None) -> Predictor:
    try:
        from model_server.predict.predictor import Predictor  # here: the socket is open before numpy is loaded
    except ImportError as error:
        raise RuntimeError(f"The model server's packages are incomplete ({error}); run install.sh again.") from error
    try:
        return Predictor(networks) if networks else Predictor()
    except NetworkError:
        raise
    except Exception as error:
        reason = type(error).__name__
        raise RuntimeError(f"The networks cannot be loaded ({reason}); run «gimp-saliency check».") from error

# SPDX-License-Identifier: GPL-3.0-or-later
"""The plug-in's way to the model server."""

from __future__ import annotations

VERSION = "0.1.0"

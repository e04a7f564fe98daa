# SPDX-License-Identifier: GPL-3.0-or-later
"""The version that plug-in and server share: only those of one version talk to each other."""

from __future__ import annotations

VERSION = "0.1.0"

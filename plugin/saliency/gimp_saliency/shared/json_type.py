# SPDX-License-Identifier: GPL-3.0-or-later
"""A name for what a file, a parasite or an answer may hold, before it is checked."""

from __future__ import annotations

from typing import Any

Json = Any  # as json.loads gives it

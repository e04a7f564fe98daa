# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests compare English sentences, whatever language the desktop speaks."""

import os

os.environ["LANGUAGE"] = "C"

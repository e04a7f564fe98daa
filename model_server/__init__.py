# SPDX-License-Identifier: GPL-3.0-or-later
"""The model server and the command line."""

import sys
from pathlib import Path

# In the source tree the package that GIMP runs lies in the plug-in's folder; installed, both lie side by side.
_PLUGIN = Path(__file__).resolve().parents[1] / "plugin" / "saliency"
if _PLUGIN.is_dir() and str(_PLUGIN) not in sys.path:
    sys.path.insert(0, str(_PLUGIN))

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GIMP starts: folder and program must have the same name, so all else is in the package beside this file."""

import gc
import sys

gc.disable()  # modules are no garbage: looking for some among them would take a tenth of the start
from gimp_saliency.registration import main  # noqa: E402

gc.freeze()
gc.enable()
sys.exit(main(sys.argv))

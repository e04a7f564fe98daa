#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GIMP starts: folder and program must have the same name, so all else is in the package beside this file."""

import sys

from gimp_saliency.registration import main

sys.exit(main(sys.argv))

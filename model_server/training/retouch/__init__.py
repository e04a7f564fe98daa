# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that retouches: a global colour map that a photograph chooses for itself."""

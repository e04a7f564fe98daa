# SPDX-License-Identifier: GPL-3.0-or-later
"""The plug-in.  `shared` is the part that the model server imports, too: standard library only."""

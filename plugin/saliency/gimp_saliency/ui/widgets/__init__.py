# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the dialogs: they show what they are given and tell what the user does, whatever that means."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmony in a picture: what makes a cut-out match the photo below it, as live filters or as pixels."""

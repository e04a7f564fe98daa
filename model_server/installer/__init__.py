# SPDX-License-Identifier: GPL-3.0-or-later
"""What install.sh does.  Runs on the system's own Python, so only the standard library is used."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""One module a command: HELP, add_arguments and run, which returns the exit code."""

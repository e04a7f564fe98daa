# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the shipped networks: torch is imported here and nowhere else."""

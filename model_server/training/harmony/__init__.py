# SPDX-License-Identifier: GPL-3.0-or-later
"""Harmonize Layer: its operators, its network, the composites that it learns from, its training and its report."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""What `python -m model_server.training.evaluate` measures and draws, one module a network."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture's file says of it, carried into its result as it is: GIMP keeps most of that, but not all."""

from model_server.batch.metadata.carry import carry_over

__all__ = ["carry_over"]

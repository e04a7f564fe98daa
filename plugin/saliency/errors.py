# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception that reaches the user."""


class UserError(Exception):
    """What went wrong, as one sentence that says what to do next."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""The threads that load networks and judge pictures, several at once."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

# More would take memory, and processor time from a GIMP that works meanwhile.
THREADS = 2


def make_pool() -> ThreadPoolExecutor:
    """THREADS threads that let everything else on the machine go before them."""
    return ThreadPoolExecutor(THREADS, initializer=_step_back)


def _step_back() -> None:
    """Let everything else on the machine go before this thread, the server's other threads too."""
    if hasattr(os, "setpriority") and sys.platform == "linux":  # elsewhere it would be the process's priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)

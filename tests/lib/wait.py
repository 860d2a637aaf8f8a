# SPDX-License-Identifier: BSD-3-Clause
"""wait: for something observable, with a deadline; never for time alone."""

import time

POLL_S = 0.05


def until(what, condition, timeout_s=10):
    """Poll `condition` until it is true and return its value."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s} s: {what}")
        time.sleep(POLL_S)

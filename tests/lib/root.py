# SPDX-License-Identifier: BSD-3-Clause
"""root: where the source tree and the build under test are."""

import os

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get(
    "FLOE_BUILD", os.path.join(SOURCE, "build")))

# SPDX-License-Identifier: BSD-3-Clause
"""npm: the packages that package.json of tests/e2e names."""

import json
import os

import root

FOLDER = os.path.join(root.SOURCE, "tests", "e2e")


def version(name):
    """Name and version of what is installed."""
    path = os.path.join(FOLDER, "node_modules", name, "package.json")
    with open(path, encoding="utf-8") as package:
        return f"{name} {json.load(package)['version']}"

# SPDX-License-Identifier: BSD-3-Clause
"""clone: the source as a newcomer gets it, without anything ever built."""

import fnmatch
import functools
import os
import shutil
import tempfile

import root


def _ignored(pattern, folder, name):
    if pattern.startswith("/") and folder != root.SOURCE:
        return False
    return fnmatch.fnmatch(name, pattern.strip("/"))


@functools.cache
def fresh():
    """Path of a copy of what git would have; one for the whole run."""
    with open(os.path.join(root.SOURCE, ".gitignore"),
              encoding="utf-8") as file:
        patterns = ["/.git", *file.read().split()]

    def ignore(folder, names):
        return [name for name in names
                if any(_ignored(pattern, folder, name)
                       for pattern in patterns)]

    target = os.path.join(tempfile.mkdtemp(prefix="floe-clone-"), "floe")
    return shutil.copytree(root.SOURCE, target, ignore=ignore, symlinks=True)

# SPDX-License-Identifier: BSD-3-Clause
"""answers: holds what the daemons answer over HTTP against doc/openapi."""

import functools
import json
import os
import sys

import root

sys.path.append(os.path.join(root.SOURCE, "tools", "check"))
import rest  # noqa: E402, beside the checkers

FOLDER = os.path.join(root.SOURCE, "doc", "openapi")


@functools.cache
def document(name):
    """That of "signald", or of "turnd-admin" and so on."""
    return rest.Rest.load(os.path.join(FOLDER, name + ".yaml"))


def check(name, method, path, status, body):
    """Fail when a document does not have this answer; body: bytes."""
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    wrong = document(name).wrong_answer(method, path, status, value)
    assert wrong is None, wrong

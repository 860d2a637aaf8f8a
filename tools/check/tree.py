# SPDX-License-Identifier: BSD-3-Clause
"""What the checkers share: the files of the tree, and how a finding is told.

A finding is "file:line: what is wrong; what to do instead". A checker ends
with 1 when there was one. Root: the first argument, else $top_srcdir, else
the tree that this file is in.
"""
import os
import pathlib
import re
import sys

C_SUFFIXES = {'.c', '.cc', '.h'}
SKIPPED = re.compile(r'(build.*|_build|_inst|floe-.*|node_modules|run|autom4te\.cache|\..*|__pycache__)$')
GENERATED = {'config.h', 'openapi.c'}


def root():
    here = pathlib.Path(__file__).resolve().parent.parent.parent
    args = [a for a in sys.argv[1:] if not a.startswith('-')]
    return pathlib.Path(args[0] if args else os.environ.get('top_srcdir') or here)


def walk(top, *folders):
    """(path relative to top, suffix) of every file below the folders."""
    for folder in folders or ('.',):
        for parent, dirs, names in os.walk(top / folder):
            dirs[:] = sorted(d for d in dirs if not SKIPPED.match(d))
            for name in sorted(set(names) - GENERATED):
                path = pathlib.Path(parent, name).relative_to(top)
                yield path, path.suffix


def without_comments(text):
    """C with comments and strings blanked out, every line in its place."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
    return token.sub(lambda m: re.sub(r'[^\n]', ' ', m.group()), text)


class Findings:
    def __init__(self):
        self.count = 0

    def error(self, path, line, text):
        self.count += 1
        print(f'{path}:{line}: {text}')

    @staticmethod
    def warn(path, line, text):
        print(f'{path}:{line}: warning: {text}')

    def finish(self, checked):
        print(f'{checked} checked, {self.count} wrong')
        sys.exit(1 if self.count else 0)

# SPDX-License-Identifier: BSD-3-Clause
"""Runs a checker over a small tree in which something wrong was planted."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[4] / 'tools' / 'check'

LAYERS = '''\
# folder | ours | third
lib/base     | -                  | pure
lib/addr     | lib/base           | pure arpa/inet.h
lib/log      | lib/base lib/addr  | -
lib/loop     | lib/base lib/log   | event2/
turnd/core   | lib/base lib/addr  | pure
turnd        | turnd/core lib/base lib/addr lib/log lib/loop | -
signald      | lib/base lib/loop  | -
'''
SPDX = '/* SPDX-License-Identifier: BSD-3-Clause */\n'


class Planted(unittest.TestCase):
    checker = None

    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix='floe-check-')
        self.addCleanup(held.cleanup)
        self.top = pathlib.Path(held.name)
        self.write('LAYERS', LAYERS)
        for folder in ('lib/base', 'lib/addr', 'lib/log', 'lib/loop', 'turnd/core', 'turnd', 'signald'):
            name = folder.split('/')[-1]
            self.write(f'{folder}/{name}.h', SPDX)
            self.write(f'{folder}/{name}.c', f'{SPDX}#include <string.h>\n\n#include "{folder}/{name}.h"\n')
            self.write(f'{folder}/README.md', f'# {folder}\n')

    def write(self, path, text):
        path = self.top / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def check(self):
        env = {k: v for k, v in os.environ.items() if k != 'top_srcdir'}
        return subprocess.run([sys.executable, CHECK / self.checker, self.top],
                              capture_output=True, text=True, env=env)

    def passes(self):
        r = self.check()
        self.assertEqual((r.returncode, r.stderr), (0, ''), r.stdout)
        return r.stdout

    def catches(self, at, *words):
        """A finding at file:line that says all the words, and no other."""
        r = self.check()
        self.assertEqual((r.returncode, r.stderr), (1, ''), r.stdout)
        first = r.stdout.splitlines()[0]
        self.assertTrue(first.startswith(f'{at}: '), first)
        for word in words:
            self.assertIn(word, first)
        self.assertIn(' 1 wrong', r.stdout)

# SPDX-License-Identifier: BSD-3-Clause
"""frames.py catches what is said or taken beside the document."""
import importlib.util
import os
import unittest

from planted import Planted
from protocol import DOC, DOC_AT

ASK = '{"id":1,"op":"a.do","x":1}'


@unittest.skipUnless(importlib.util.find_spec('jsonschema') and importlib.util.find_spec('yaml'),
                     'needs python3-jsonschema and python3-yaml')
class Frames(Planted):
    checker = 'frames.py'

    def setUp(self):
        super().setUp()
        self.write(DOC_AT, DOC)
        self.write('tests/unit/signald/core/a.c', '')
        self.write('tests/unit/signald/core/not_built.c', '')
        os.environ['top_builddir'] = str(self.top / 'build')

    def frames(self, *frames):
        """A test program whose link 1 says ">..." and hears "<..."."""
        told = ''.join(f"{f[0]} 1 {len(f[1:])}\n{f[1:]}\n" for f in frames)
        path = 'build/tests/unit/signald/core/a'
        self.write(path, f"#!/bin/sh\ncat >>$FLOE_FRAMES <<'END'\nworld\n{told}END\n")
        (self.top / path).chmod(0o755)

    def test_good(self):
        self.frames('>' + ASK, '<{"id":1,"ok":{}}', '<{"push":"a.done"}', '<{"id":2,"err":{"code":"bad"}}')
        self.assertIn('4 frames', self.passes())

    def test_several_in_a_frame(self):
        self.frames(f'>{ASK}\n{ASK}', '<{"push":"a.done"}\n{"push":"b.done"}')
        self.catches(f'{DOC_AT}:1', 'signald says no such message', 'b.done')

    def test_refused(self):
        self.frames('>{"id":1,"op":"a.do","x":"1"}', '<{"id":1,"err":{"code":"bad"}}')
        self.passes()

    def test_taken(self):
        self.frames('>{"id":1,"op":"a.do","x":"1"}', '<{"id":1,"ok":{}}')
        self.catches(f'{DOC_AT}:1', 'core/a:', 'signald takes a.do', '"x": "1"')

    def test_said(self):
        self.frames('>' + ASK, '<{"id":1,"ok":{"x":1}}')
        self.catches(f'{DOC_AT}:1', 'signald says ok.done')
        self.frames('<{"id":1,"ok":{}}')
        self.catches(f'{DOC_AT}:1', 'signald says no such message')
        self.frames('<{"id":1,"err":{"code":"worse"}}')
        self.catches(f'{DOC_AT}:1', 'signald says err')

    def test_garbage_is_not_judged(self):
        self.frames('>nonsense', '>[1]', '>{"op":3}', '<{"push":"a.done"}')
        self.passes()


if __name__ == '__main__':
    unittest.main()

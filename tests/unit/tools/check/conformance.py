# SPDX-License-Identifier: BSD-3-Clause
"""conformance.py catches a row that shows nothing or names no test."""
import unittest

from planted import Planted

MATRIX = 'doc/protocol/turn-conformance.md'
HEAD = '# Rows\n\n## RFC 8489\n\n| § | Level | Asked | Floe | Status | Shown by |\n|---|---|---|---|---|---|\n'
GOOD = '| 6.3.1 | MUST | an answer | answers | done | `tests/unit/a.c:test_a` `tests/replay/a.script` |\n'
AT = f'{MATRIX}:8'


class Conformance(Planted):
    checker = 'conformance.py'

    def setUp(self):
        super().setUp()
        self.write('tests/unit/a.c', 'static void\ntest_a(void **state)\n{\n}\n/* test_b( */\n')
        self.write('tests/interop/test_a.py', 'class A:\n    def test_a(self):\n        pass\n')
        self.write('tests/replay/a.script', 'client ...\n')
        self.write('tests/unit/README.md', '')

    def matrix(self, *cells):
        self.write(MATRIX, HEAD + GOOD + '| ' + ' | '.join(cells) + ' |\n')

    def test_good_rows(self):
        self.matrix('A.1', 'SHOULD NOT', 'x', 'does not', 'differs', '`tests/interop/test_a.py:test_a`')
        self.assertIn('2 rows', self.passes())
        self.matrix('5', 'says', 'x', 'nothing', 'not done', '-')
        self.passes()
        self.matrix('5', 'says', 'x', 'nothing yet', 'in work', '-')
        self.passes()

    def test_tests_that_do_not_exist(self):
        for named, words in (('tests/unit/b.c:test_a', 'there is no tests/unit/b.c'),
                             ('tests/unit/a.c:test_b', 'has no test test_b'),
                             ('tests/unit/a.c', 'say which'),
                             ('tests/replay/b.script', 'there is no tests/replay/b.script'),
                             ('tests/replay/a.script:1', 'named whole'),
                             ('tests/interop/test_a.py:test_', 'has no test test_'),
                             ('tests/unit/README.md', 'is no test'),
                             ('lib/base/base.c:f', 'not below tests/')):
            self.matrix('1', 'MUST', 'x', 'y', 'done', f'`{named}`')
            self.catches(AT, words)

    def test_one_of_several_does_not_exist(self):
        self.matrix('1', 'MUST', 'x', 'y', 'done', '`tests/unit/a.c:test_a` `tests/unit/a.c:test_c`')
        self.catches(AT, 'test_c')

    def test_cells(self):
        good = ['1', 'MUST', 'x', 'y', 'done', '`tests/unit/a.c:test_a`']
        for at, cell, words in ((0, 'one', 'no section'), (1, 'WILL', 'no level'), (2, '', 'what is asked'),
                                (3, '', 'what Floe does'), (4, 'fine', 'no status'), (4, '', 'no status'),
                                (4, 'not done', 'and has a test'), (5, '-', 'no test shows it'),
                                (5, 'test_a', 'no test shows it')):
            self.matrix(*good[:at], cell, *good[at + 1:])
            self.catches(AT, words)
        self.matrix(*good[:5])
        self.catches(AT, '6 cells')

    def test_heading(self):
        self.write(MATRIX, HEAD.replace('Floe', 'Us') + GOOD)
        self.catches(f'{MATRIX}:5', 'a table begins with')


if __name__ == '__main__':
    unittest.main()

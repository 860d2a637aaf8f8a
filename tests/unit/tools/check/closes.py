# SPDX-License-Identifier: BSD-3-Clause
"""closes.py catches a close code that one of its four places does not know."""
import unittest

from planted import SPDX, Planted

TABLE = '''# The protocol

## Close codes

| code | why | come back? |
|---|---|---|
| 4000 | silence | yes |
| 4500 | bad token | no: log in again |

## REST
'''
CORE = '''void
f(void)
{
	sig_link_close(
	    core, link->id, bad ? 4500 : 4000, "4999 is no code");
}
'''


class Closes(Planted):
    checker = 'closes.py'

    def setUp(self):
        super().setUp()
        self.write('doc/protocol/signaling.md', TABLE)
        self.write('signald/signald.c', SPDX + CORE)
        self.write('web/sdk/backoff.js', 'const REASONS = {\n  4000: "silent",\n  4500: "unauthorized",\n};\n')
        self.write('tests/interop/test_signald_x.py', 'CODES = (4000, 4500)\n')

    def test_all_agree(self):
        self.assertIn('2 close codes', self.passes())

    def test_without_a_row(self):
        self.write('signald/more.c', '#define CLOSE_SLOW 4002\n')
        self.catches('signald/more.c:1', '4002', 'give it a row')

    def test_not_used(self):
        self.write('signald/signald.c', SPDX + CORE.replace('bad ? 4500 : 4000', '4000'))
        self.catches('doc/protocol/signaling.md:1', '4500', 'nothing in signald')

    def test_unknown_to_the_sdk(self):
        self.write('web/sdk/backoff.js', 'const REASONS = {\n  4000: "silent",\n};\n')
        self.catches('web/sdk/backoff.js:1', '4500')

    def test_never_seen(self):
        self.write('tests/interop/test_signald_x.py', 'CODES = (4000,)\n')
        self.catches('tests/interop:1', '4500', 'on the wire')

    def test_wrong_half(self):
        self.write('doc/protocol/signaling.md', TABLE.replace('no: log in again', 'yes'))
        self.catches('doc/protocol/signaling.md:1', '4500', 'do not')


if __name__ == '__main__':
    unittest.main()

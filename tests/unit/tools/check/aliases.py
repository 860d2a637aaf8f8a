# SPDX-License-Identifier: BSD-3-Clause
"""aliases.py catches a name that is missing, or stands for what is no op."""
import unittest

from planted import Planted

DOCUMENT = 'doc/protocol/signaling.md'
GOOD = {'video-offer': 'call.offer', 'video-answer': 'call.answer', 'new-ice-candidate': 'call.candidate',
        'hang-up': 'call.hangup', 'invite-offer': 'call.invite', 'invite-accept': 'call.accept',
        'invite-refuse': 'call.refuse', 'invite-cancel': 'call.cancel'}


class Aliases(Planted):
    checker = 'aliases.py'

    def setUp(self):
        super().setUp()
        ops = ''.join(f'\t{{ "{op}", sig_op_call, 0, false,\n\t    {{ "call" }} }},\n' for op in GOOD.values())
        self.write('signald/core/op.c', f'static const struct op ops[] = {{\n{ops}}};\n')

    def table(self, *pairs):
        rows = ''.join(f'| `{name}` | `{op}` |\n' for name, op in pairs)
        self.write(DOCUMENT, f'# Names\n\n| `x` | `y` |\n\n| react-wechat | here |\n|---|---|\n{rows}\nEnd.\n')

    def test_good_table(self):
        self.table(*GOOD.items())
        self.assertIn('8 names', self.passes())

    def test_missing(self):
        self.table(*list(GOOD.items())[1:])
        self.catches(f'{DOCUMENT}:1', '`video-offer` is missing')

    def test_wrong_rows(self):
        for name, op, words in (('hang-up', 'call.hang', '`call.hang` is no op'),
                                ('hang-up', 'call.offer', 'stands for two names'),
                                ('video-offer', 'call.hangup', 'stands here twice'),
                                ('hangup', 'call.hangup', 'is no name of react-wechat')):
            rest = [pair for pair in GOOD.items() if pair[0] != 'hang-up']
            self.table(*rest, (name, op))
            self.catches(f'{DOCUMENT}:14', words)


if __name__ == '__main__':
    unittest.main()

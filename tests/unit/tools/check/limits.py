# SPDX-License-Identifier: BSD-3-Clause
"""limits.py catches a limit that the table lacks or has wrong."""
import unittest

from planted import Planted

HEAD = '# The protocol\n\n## Limits\n\n| limit | in `welcome.limits` | option | default | beyond it |\n|---|---|---|---|---|\n'
ROW = '| {} | {} | {} | {} | refused |\n'
FIXED = {
    'bytes of a frame, and of what it inflates to': ('`frame_bytes`', 'signald/conf.h', '#define SIGNALD_FRAME_MAX (64 * 1024)'),
    'the same before the `hello`': ('-', 'signald/core/core.h', '#define SIG_PRELOGIN_READ 8192 /* bytes */'),
    'fragments of a message': ('-', 'signald/worker.c', '#define FRAGMENTS_MAX 1024'),
    'requests before the `hello`': ('-', 'signald/core/state.h', '#define SIG_PRELOGIN_OPS      64'),
    'bytes of the head of an HTTP request': ('-', 'signald/front.h', '#define FRONT_HEAD_MAX (8 * 1024)'),
    'fields of the head of an HTTP request': ('-', 'lib/h1/h1.h', '#define H1_FIELDS_MAX 64'),
    'bytes of a form by HTTP, but of ops and files': ('-', 'signald/front.h', '#define FRONT_BODY_MAX (8 * 1024)'),
    'bytes of pushes without an ack': ('-', 'signald/core/inbox.c', '#define FLIGHT_BYTES (256 * 1024)'),
    'bytes of a text': ('-', 'signald/conf.c', '\t\t.text_bytes = 16 * 1024,'),
    'bytes of an SDP': ('-', 'signald/conf.c', '\t\t.sdp_bytes = 48 * 1024,'),
    'candidates in one request': ('-', 'signald/conf.c', '\t\t.candidates = 64,'),
}
VALUES = (65536, 8192, 1024, 64, 8192, 64, 8192, 262144, 16384, 49152, 64)
MAN = '.Ss Section signald\n.It Ic max-sessions = Ar number\nSessions.\nDefault: 16.\n'
CONTRACT = '''components: {messages: {push.welcome: {payload: {properties: {limits: {properties: {
  frame_bytes: {}, sessions: {}}}}}}}}
'''


class Limits(Planted):
    checker = 'limits.py'

    def setUp(self):
        super().setUp()
        files = {}
        self.table = HEAD + ROW.format('sessions', '`sessions`', '`max-sessions`', 16)
        for (limit, (member, path, line)), value in zip(FIXED.items(), VALUES):
            self.table += ROW.format(limit, member, '-', value)
            files[path] = files.get(path, '') + line + '\n'
        for path, text in files.items():
            self.write(path, text)
        self.files = files
        self.write('doc/protocol/signaling.md', self.table)
        self.write('doc/protocol/asyncapi.yaml', CONTRACT)
        self.write('doc/man/floe.conf.5', MAN)

    def table_with(self, old, new):
        self.assertIn(old, self.table)
        self.write('doc/protocol/signaling.md', self.table.replace(old, new))

    def test_all_agree(self):
        self.assertIn('12 limits', self.passes())

    def test_another_default(self):
        self.table_with('| 16 |', '| 17 |')
        self.catches('doc/protocol/signaling.md:1', 'max-sessions', 'default 17')

    def test_option_without_a_row(self):
        self.write('doc/man/floe.conf.5', MAN + '.It Ic file-quota = Ar size\nFiles.\nDefault: 1g.\n')
        self.catches('doc/protocol/signaling.md:1', 'file-quota', 'without a row')

    def test_constant_that_was_changed(self):
        self.write('signald/worker.c', '#define FRAGMENTS_MAX 2048\n')
        self.catches('doc/protocol/signaling.md:1', 'fragments', '2048')

    def test_row_that_went(self):
        self.table_with(ROW.format('fragments of a message', '-', '-', 1024), '')
        self.catches('doc/protocol/signaling.md:1', 'fragments', '1024')

    def test_row_of_nothing(self):
        self.write('doc/protocol/signaling.md', self.table + ROW.format('wishes', '-', '-', 3))
        self.catches('doc/protocol/signaling.md:1', 'wishes', 'neither')

    def test_member_without_a_row(self):
        self.write('doc/protocol/asyncapi.yaml', CONTRACT.replace('sessions: {}', 'sessions: {}, window: {}'))
        self.catches('doc/protocol/signaling.md:1', 'window')


if __name__ == '__main__':
    unittest.main()

# SPDX-License-Identifier: BSD-3-Clause
"""options.py catches what the manual or the sample keeps back or makes up."""
import os
import unittest

from planted import Planted

DUMP = '''[floe]
realm = floe
turn-secret = (set)
; user =

[stund]
listen = udp://127.0.0.1:3478
idle = 30s
; admin =
'''
MAN = '''.Sh DESCRIPTION
.Ss Section floe
.It Ic realm = Ar text
Default:
.Ql floe .
.It Ic turn-secret = Ar text
A list.
.It Ic user = Ar name
Unset by default.
.Ss Section stund
.It Ic listen = Ar uri
A list.
.It Ic idle = Ar duration
Default: 30s.
.It Ic admin = Ar uri
Unset by default.
.Sh FILES
'''
APPS = '''.Ss Section signald
.It Ic ping = Ar duration
Default: 5s.
.It Ic host = Ar text
An app's.
Unset by default.
.Sh FILES
'''
SAMPLE = '''[floe]
; realm = floe
; turn-secret = (long)
; user = floe
[stund]
listen = udp://0.0.0.0:3478
; idle = 30s
; admin = http://127.0.0.1:9640
'''


class Options(Planted):
    checker = 'options.py'

    def setUp(self):
        super().setUp()
        self.write('stund/main.c', '')
        self.write('doc/man/floe.conf.5', MAN)
        self.write('etc/floe.conf', SAMPLE)
        self.daemon(DUMP)
        os.environ['top_builddir'] = str(self.top / 'build')

    def daemon(self, dump, name='stund'):
        self.write(f'build/{name}/{name}', f"#!/bin/sh\ncat <<'END'\n{dump}END\n")
        (self.top / f'build/{name}/{name}').chmod(0o755)

    def change(self, path, text, before, after):
        self.assertIn(before, text)
        self.write(path, text.replace(before, after))

    def test_agreement(self):
        self.assertIn('6 options checked', self.passes())

    def test_option_the_manual_lacks(self):
        self.change('doc/man/floe.conf.5', MAN, '.It Ic admin = Ar uri\n', '')
        self.catches('doc/man/floe.conf.5:1', '[stund] admin is missing')

    def test_option_the_sample_lacks(self):
        self.change('etc/floe.conf', SAMPLE, '; admin = http://127.0.0.1:9640\n', '')
        self.catches('etc/floe.conf:1', '[stund] admin is missing')

    def test_option_the_manual_made_up(self):
        self.change('doc/man/floe.conf.5', MAN, '.It Ic admin', '.It Ic colour = Ar name\nUnset.\n.It Ic admin')
        self.catches('doc/man/floe.conf.5:15', '[stund] colour: there is no such option')

    def test_option_the_sample_made_up(self):
        self.write('etc/floe.conf', SAMPLE + '; colour = blue\n')
        self.catches('etc/floe.conf:9', '[stund] colour: there is no such option')

    def test_other_default_in_the_manual(self):
        self.change('doc/man/floe.conf.5', MAN, 'Default: 30s', 'Default: 130s')
        self.catches('doc/man/floe.conf.5:13', '[stund] idle: its default is 30s')

    def test_other_default_in_the_sample(self):
        self.change('etc/floe.conf', SAMPLE, 'idle = 30s', 'idle = 1m')
        self.catches('etc/floe.conf:7', '[stund] idle: its default is 30s')

    def with_apps(self, manual):
        """signald, whose apps may set host and nothing else."""
        self.write('signald/main.c', '')
        own, of_app = '[signald]\nping = 5s\n; host =\n', '\n; app other: x\n[signald]\n; host =\n'
        self.daemon(own + of_app, 'signald')
        self.write('doc/man/floe.conf.5', MAN.replace('.Sh FILES\n', manual))
        self.write('etc/floe.conf', SAMPLE + '[signald]\n; ping = 5s\n; host = a\n')

    def test_what_is_an_apps(self):
        self.with_apps(APPS)
        self.passes()

    def test_an_apps_option_without_mark(self):
        self.with_apps(APPS.replace("An app's.\n", ''))
        self.catches('doc/man/floe.conf.5:20', '[signald] host: "An app\'s" belongs')

    def test_mark_on_what_is_no_apps(self):
        self.with_apps(APPS.replace('Default: 5s.', "An app's.\nDefault: 5s."))
        self.catches('doc/man/floe.conf.5:18', '[signald] ping: "An app\'s" belongs')

    def test_daemon_that_is_not_built_is_not_asked(self):
        (self.top / 'stund/main.c').unlink()
        self.passes()


if __name__ == '__main__':
    unittest.main()

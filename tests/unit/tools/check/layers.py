# SPDX-License-Identifier: BSD-3-Clause
"""Each way to break LAYERS is caught where it stands, with a way out."""
import unittest

from planted import LAYERS, SPDX, Planted


class Layers(Planted):
    checker = 'layers.py'

    def include(self, folder, line):
        self.write(f'{folder}/bad.c', f'{SPDX}#include <errno.h>\n{line}\n')

    def test_clean_tree(self):
        self.include('turnd', '#include "turnd/core/core.h"\n#include <sys/socket.h>\n#include "config.h"')
        self.include('lib/loop', '#  include <event2/event.h>')
        self.include('lib/addr', '#include <arpa/inet.h>')
        self.assertIn('7 rows checked, 0 wrong', self.passes())

    def test_upwards(self):
        self.include('lib/base', '#include "lib/log/log.h"')
        self.catches('lib/base/bad.c:3', 'lib/base may not include "lib/log/log.h"', 'nothing of ours')

    def test_core_reaches_its_shell(self):
        self.include('turnd/core', '#include "turnd/turnd.h"')
        self.catches('turnd/core/bad.c:3', 'allows: lib/base lib/addr')

    def test_other_daemon(self):
        self.include('turnd', '#include "signald/signald.h"')
        self.catches('turnd/bad.c:3', 'turnd may not include')

    def test_path_not_from_the_top(self):
        self.include('turnd', '#include "turnd.h"')
        self.catches('turnd/bad.c:3', 'path from the top')

    def test_missing_header(self):
        self.include('turnd', '#include "lib/base/gone.h"')
        self.catches('turnd/bad.c:3', 'does not exist')

    def test_library_of_another_folder(self):
        self.include('turnd', '#include <event2/event.h>')
        self.catches('turnd/bad.c:3', 'belongs to lib/loop')

    def test_unknown_library(self):
        self.include('turnd', '#include <glib.h>')
        self.catches('turnd/bad.c:3', 'in no row', 'ADR')

    def test_pure_headers(self):
        for header in ('sys/socket.h', 'netinet/in.h', 'time.h', 'sys/time.h', 'pthread.h', 'unistd.h',
                       'fcntl.h', 'sys/epoll.h', 'arpa/inet.h'):
            self.include('turnd/core', f'#include <{header}>')
            self.catches('turnd/core/bad.c:3', 'is pure', f'<{header}>')

    def test_pure_calls(self):
        for call in ('printf("x")', 'fopen("x", "r")', 'getenv("HOME")', 'exit(1)', 'random()'):
            self.include('turnd/core', f'#include <stdio.h>\nvoid *f = {call};')
            self.catches('turnd/core/bad.c:4', 'may not call', call.split('(')[0])

    def test_comments_and_names_are_no_calls(self):
        self.include('turnd/core', '/* exit(1) */ int n = snprintf(b, 9, "printf()") + buf_printf(b) + o->open(b);')
        self.passes()

    def test_folder_without_row(self):
        self.write('lib/new/new.c', SPDX)
        self.catches('lib/new/new.c:1', 'lib/new has no row in LAYERS')

    def test_circle(self):
        self.write('LAYERS', LAYERS.replace('lib/base     | -   ', 'lib/base     | lib/addr'))
        self.catches('LAYERS:2', 'lib/base names lib/addr', 'not above')

    def test_row_of_another_daemon(self):
        self.write('LAYERS', LAYERS.replace('signald      | lib/base', 'signald      | turnd/core lib/base'))
        self.catches('LAYERS:8', 'of another daemon')

    def test_library_of_two_folders(self):
        self.write('LAYERS', LAYERS.replace('lib/loop  | -', 'lib/loop  | event2/event.h'))
        self.catches('LAYERS:8', 'lib/loop is the one folder')

    def test_malformed_row(self):
        self.write('LAYERS', LAYERS + 'web | -\n')
        self.catches('LAYERS:9', 'a row is')


if __name__ == '__main__':
    unittest.main()

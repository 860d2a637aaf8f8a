# SPDX-License-Identifier: BSD-3-Clause
"""Each house rule that style.py knows is caught where it is broken."""
import unittest

from planted import SPDX, Planted


class Style(Planted):
    checker = 'style.py'

    def source(self, text):
        self.write('lib/base/bad.c', SPDX + text)

    def test_clean_tree(self):
        self.source('/* strcpy(a, b) */\nchar *s = "gets(x)";\nint x = my_rand(1) + o->signal(2);\n'
                    'void f(void) { signal(SIGPIPE, SIG_IGN); }\n')
        self.passes()

    def test_licence_line(self):
        self.write('lib/base/bad.c', 'int x;\n')
        self.catches('lib/base/bad.c:1', 'SPDX')

    def test_licence_line_of_scripts(self):
        self.write('tests/x.mjs', 'export const x = 1;\n')
        self.catches('tests/x.mjs:1', 'SPDX')

    def test_banned_calls(self):
        for call in ('strcpy(a, b)', 'strcat(a, b)', 'sprintf(a, "x")', 'gets(a)', 'strtok(a, b)', 'atoi(a)',
                     'rand()', 'signal(1, f)', 'alloca(9)'):
            self.source(f'int x;\nvoid *y = {call};\n')
            self.catches('lib/base/bad.c:3', f'{call.split("(")[0]} is banned; use')

    def test_markup(self):
        line = 'box.{} = message.body.text;\n'
        self.write('web/page/x.js', SPDX + line.format('textContent'))
        self.passes()
        self.write('web/page/x.js', SPDX + line.format('innerHTML'))
        self.catches('web/page/x.js:2', 'innerHTML', 'make nodes')

    def test_tests_may(self):
        self.write('tests/x.c', SPDX + 'void *y = strcpy(a, "b");\n')
        self.passes()

    def test_long_function(self):
        self.source('int\nf(void)\n{\n' + '\tg();\n' * 78 + '}\n')
        self.passes()
        self.source('int\nf(void)\n{\n' + '\tg();\n' * 79 + '}\n')
        self.catches('lib/base/bad.c:4', 'f takes 81 lines')

    def test_columns_with_tabs(self):
        self.source('\t' + 'x' * 72 + '\n')
        self.passes()
        self.source('\t' + 'x' * 73 + '\n')
        self.catches('lib/base/bad.c:2', '81 columns')

    def test_long_header_is_a_warning(self):
        self.write('lib/base/long.h', SPDX + 'int x;\n' * 150)
        self.assertIn('lib/base/long.h:150: warning: 151 lines', self.passes())

    def test_readme(self):
        self.write('lib/log/README.md', 'x\n' * 16)
        self.catches('lib/log/README.md:15', 'longer than 15')
        (self.top / 'lib/log/README.md').unlink()
        self.catches('lib/log/README.md:1', 'is missing; say purpose')


if __name__ == '__main__':
    unittest.main()

# SPDX-License-Identifier: BSD-3-Clause
"""format.py names the file and line that clang-format would change."""
import pathlib
import shutil
import unittest

from planted import CHECK, SPDX, Planted


class Format(Planted):
    checker = 'format.py'

    def setUp(self):
        super().setUp()
        shutil.copy(CHECK.parent.parent / '.clang-format', self.top)
        if self.check().returncode == 77:
            self.skipTest('no clang-format 14')

    def test_clean_tree(self):
        self.passes()

    def test_wrong_indent(self):
        path = pathlib.Path('lib/base/bad.c')
        self.write(path, f'{SPDX}int\nf(void)\n{{\n  return 1;\n}}\n')
        self.catches('lib/base/bad.c:4', 'clang-format')

    def test_each_file_has_its_line(self):
        for name, lines in (('a', 0), ('b', 2)):
            self.write(f'lib/base/{name}.c', SPDX + 'int x;\n' * lines + 'int  y;\n')
        self.assertIn('lib/base/a.c:2: ', self.check().stdout)
        self.assertIn('lib/base/b.c:4: ', self.check().stdout)


if __name__ == '__main__':
    unittest.main()

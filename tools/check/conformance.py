# SPDX-License-Identifier: BSD-3-Clause
"""Every row of doc/protocol/turn-conformance.md says what is asked, what Floe
does, how far that is, and names tests that exist.
"""
import re

import tree

MATRIX = 'doc/protocol/turn-conformance.md'
LEVELS = ('MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'says')
SHOWN = ('done', 'differs')  # by a test that is named
OPEN = ('in work', 'not done')  # which have none
COLUMNS = ['§', 'Level', 'Asked', 'Floe', 'Status', 'Shown by']
SECTION = re.compile(r'(\d+|[A-Z])(\.\d+)*$')
# How the languages that tests are written in begin a test.
BEGINS = {'.c': r'^{name}\(', '.py': r'^ *def {name}\(', '.mjs': r'{name}', '.sh': r'^{name}\('}


def wrong_test(top, named):
    """What is wrong with a named test, or None."""
    path, _, name = named.partition(':')
    suffix = path[path.rfind('.'):]
    if not path.startswith('tests/'):
        return f'{named} is not below tests/'
    if not (top / path).is_file():
        return f'there is no {path}'
    if suffix == '.script':
        return f'a script is named whole, without :{name}' if name else None
    if suffix not in BEGINS:
        return f'{path} is no test; name a unit test, a script, a program of tests/interop or tests/e2e'
    if not name:
        return f'{path} has many tests; say which: {path}:test_name'
    begins = BEGINS[suffix].format(name=re.escape(name))
    if not re.search(begins, (top / path).read_text(encoding='utf-8'), re.M):
        return f'{path} has no test {name}'
    return None


def check_row(top, number, cells, found):
    """One finding a row at most: the first is the one to mend."""
    if len(cells) != len(COLUMNS):
        found.error(MATRIX, number, f'a row has {len(COLUMNS)} cells: {" | ".join(COLUMNS)}')
        return
    section, level, asked, floe, status, shown = cells
    tests = re.findall(r'`([^`]+)`', shown)
    if not SECTION.match(section):
        found.error(MATRIX, number, f'"{section}" is no section; 14.2 or A.1 is')
    elif level not in LEVELS:
        found.error(MATRIX, number, f'"{level}" is no level; one of: {", ".join(LEVELS)}')
    elif not asked or not floe:
        found.error(MATRIX, number, 'says not what is asked, or not what Floe does')
    elif status not in SHOWN + OPEN:
        found.error(MATRIX, number, f'"{status}" is no status; one of: {", ".join(SHOWN + OPEN)}')
    elif status in OPEN and tests:
        found.error(MATRIX, number, f'is {status} and has a test; then it is done, or "-" shows it')
    elif status in SHOWN and not tests:
        found.error(MATRIX, number, f'is {status} and no test shows it; name one in `backquotes`')
    else:
        for wrong in filter(None, (wrong_test(top, t) for t in tests)):
            found.error(MATRIX, number, wrong)
            return


def main():
    top, found, rows, heading = tree.root(), tree.Findings(), 0, False
    for number, line in enumerate((top / MATRIX).read_text(encoding='utf-8').splitlines(), 1):
        if not line.startswith('|'):
            heading = True
            continue
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        if heading:
            heading = False
            if cells != COLUMNS:
                found.error(MATRIX, number, f'a table begins with | {" | ".join(COLUMNS)} |')
        elif not set(line) <= set('|-: '):
            rows += 1
            check_row(top, number, cells, found)
    found.finish(f'{rows} rows')


if __name__ == '__main__':
    main()

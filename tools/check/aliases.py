# SPDX-License-Identifier: BSD-3-Clause
"""The eight names of react-wechat in doc/protocol/signaling.md: each stands in
the table once, for an op that signald has, and no two for the same.
"""
import re

import tree

DOCUMENT = 'doc/protocol/signaling.md'
OPS = 'signald/core/op.c'
NAMES = ('video-offer', 'video-answer', 'new-ice-candidate', 'hang-up',
         'invite-offer', 'invite-accept', 'invite-refuse', 'invite-cancel')
HEADING = re.compile(r'\| *react-wechat *\|')
ROW = re.compile(r'\| *`([^`]+)` *\| *`([^`]+)` *\|')
OP = re.compile(r'^\t\{ "([a-z]+(?:\.[a-z]+)?)", \w+,', re.M)


def rows(text):
    """(line, name, op) of the table."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        row = ROW.match(line)
        if HEADING.match(line):
            inside = True
        elif not line.startswith('|'):
            inside = False
        elif inside and row:
            yield number, row[1], row[2]


def main():
    top, found, seen = tree.root(), tree.Findings(), {}
    ops = set(OP.findall((top / OPS).read_text(encoding='utf-8')))
    for number, name, op in rows((top / DOCUMENT).read_text(encoding='utf-8')):
        if name not in NAMES:
            found.error(DOCUMENT, number, f'`{name}` is no name of react-wechat')
        elif name in seen:
            found.error(DOCUMENT, number, f'`{name}` stands here twice')
        elif op not in ops:
            found.error(DOCUMENT, number, f'`{op}` is no op; {OPS} has the table of them')
        elif op in seen.values():
            found.error(DOCUMENT, number, f'`{op}` stands for two names')
        seen[name] = op
    # One finding at a time: a wrong row leaves its name missing too.
    for name in sorted(set(NAMES) - set(seen)) if found.count == 0 else ():
        found.error(DOCUMENT, 1, f'`{name}` is missing from the table of react-wechat')
    found.finish(f'{len(seen)} names')


if __name__ == '__main__':
    main()

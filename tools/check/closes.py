# SPDX-License-Identifier: BSD-3-Clause
"""The close codes: those that signald uses, those of the table in
doc/protocol/signaling.md, and those that web/sdk/backoff.js knows are the
same, and a test in tests/interop sees each of them on the wire.
"""
import re

import tree

TABLE = 'doc/protocol/signaling.md'
SDK = 'web/sdk/backoff.js'
TESTS = 'tests/interop'
CLOSING = re.compile(r'\b(?:sig_link_close|sig_close|link_end)\(([^;]*?)\);|#define CLOSE_\w+\s+(\d+)')
CODE = re.compile(r'\b4\d{3}\b')


def used(text):
    """The codes of ours that a source file closes links with."""
    for match in CLOSING.finditer(text):
        yield from CODE.findall(match[1] or match[2])


def told(text):
    """{code: whether to come back} of the table."""
    section = text.split('\n## Close codes\n')[1].split('\n## ')[0]
    rows = re.findall(r'^\| (4\d{3}) \| [^|]+ \| (yes|no)\b[^|]* \|$', section, re.M)
    return {code: back == 'yes' for code, back in rows}


def texts(top, folder, suffix):
    for path, got in tree.walk(top, folder):
        if got == suffix:
            yield path, (top / path).read_text(encoding='utf-8')


def main():
    top, findings = tree.root(), tree.Findings()
    table = told((top / TABLE).read_text(encoding='utf-8'))
    places = {}
    for path, text in texts(top, 'signald', '.c'):
        for code in used(tree.without_comments(text)):
            places.setdefault(code, path)
    sdk = (top / SDK).read_text(encoding='utf-8').split('REASONS = {')[1].split('}')[0]
    known = set(CODE.findall(sdk))
    seen = {code for path, text in texts(top, TESTS, '.py') if path.name.startswith('test_signald')
            for code in CODE.findall(text)}
    for code in sorted(places.keys() - table.keys()):
        findings.error(places[code], 1, f'closes with {code}; give it a row in the table of {TABLE}')
    for code in sorted(table.keys() - places.keys()):
        findings.error(TABLE, 1, f'{code}: nothing in signald closes with it; take its row out')
    for code in sorted(table.keys() ^ known):
        findings.error(SDK, 1, f'{code}: not in both REASONS and the table of {TABLE}')
    for code in sorted(table.keys() - seen):
        findings.error(TESTS, 1, f'{code}: no test_signald*.py waits for it; add one that sees it on the wire')
    for code, back in sorted(table.items()):
        if not back and code >= '4500' or back and code < '4500' or code == '4001':
            continue
        findings.error(TABLE, 1, f'{code}: 4000-4499 come back and 4500-4999 do not')
    findings.finish(f'{len(table)} close codes')


if __name__ == '__main__':
    main()

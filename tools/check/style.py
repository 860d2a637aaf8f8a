# SPDX-License-Identifier: BSD-3-Clause
"""House rules a program can see: licence lines, sizes, banned calls, markup, READMEs."""
import re

import tree

SPDX = 'SPDX-License-Identifier: BSD-3-Clause'
LICENSED = tree.C_SUFFIXES | {'.py', '.sh', '.js', '.mjs', '.ts', '.css'}
FUNCTION_STOP = 80
HEADER_AIM = 150
FILE_AIM = 600
README_STOP = 15
COLUMNS = 80

BANNED = {
    'strcpy': 'memcpy with a length that was checked, or lib/base/buf.h',
    'strcat': 'lib/base/buf.h', 'strncpy': 'memcpy', 'strncat': 'lib/base/buf.h',
    'sprintf': 'snprintf or buf_printf', 'vsprintf': 'vsnprintf',
    'gets': 'read with a length', 'strtok': 'strcspn', 'atoi': 'strtoul with its end checked',
    'atol': 'strtoul with its end checked', 'rand': 'crypto_random', 'srand': 'crypto_random',
    'signal': 'sigaction or loop_signal_new', 'alloca': 'a fixed array with a cap',
}
CALL = re.compile(r'(?<![\w.>])(' + '|'.join(BANNED) + r')\s*\((?!\w+, SIG_(IGN|DFL)\))')
# What makes nodes of a text. People's texts are put into the page as text.
MARKUP = re.compile(r'\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|setHTMLUnsafe|'
                    r'DOMParser|srcdoc|document\.write)\b')
FOLDERS = ('lib', 'stund', 'turnd', 'signald')


def check_functions(path, lines, found):
    """KNF: a body starts and ends with a brace alone in the first column."""
    start = None
    for n, line in enumerate(lines, 1):
        if line == '{':
            start = n
        elif line == '}' and start is not None:
            if n - start + 1 > FUNCTION_STOP:
                name = re.match(r'\w+', lines[start - 2])
                found.error(path, start, f'{name[0] if name else "a function"} takes {n - start + 1} lines; '
                            f'stop at {FUNCTION_STOP}, say its steps as functions')
            start = None


def check_c(path, text, found):
    lines = text.splitlines()
    check_functions(path, lines, found)
    for n, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > COLUMNS:
            found.error(path, n, f'{len(line.expandtabs(8))} columns; {COLUMNS} are the limit')
    # A test copies its own literals and runs under ASan.
    code = '' if path.parts[0] == 'tests' else tree.without_comments(text)
    for n, line in enumerate(code.splitlines(), 1):
        m = CALL.search(line)
        if m:
            found.error(path, n, f'{m[1]} is banned; use {BANNED[m[1]]}')
    aim = HEADER_AIM if path.suffix == '.h' else FILE_AIM
    if len(lines) > aim:
        found.warn(path, aim, f'{len(lines)} lines; {aim} are the aim, split by noun')


def check_page(path, text, found):
    for n, line in enumerate(text.splitlines(), 1):
        m = MARKUP.search(line)
        if m:
            found.error(path, n, f'{m[1]} runs what others write as markup; make nodes, and set textContent')


def check_readme(top, folder, found):
    readme = folder / 'README.md'
    if not (top / readme).exists():
        found.error(readme, 1, 'is missing; say purpose, owning thread, what does not belong')
    elif len((top / readme).read_text().splitlines()) > README_STOP:
        found.error(readme, README_STOP, f'is longer than {README_STOP} lines; details belong into headers')


def main():
    top, found, checked, folders = tree.root(), tree.Findings(), 0, set()
    for path, suffix in tree.walk(top):
        if suffix not in LICENSED:
            continue
        checked += 1
        text = (top / path).read_text()
        if not any(SPDX in line for line in text.splitlines()[:3]):
            found.error(path, 1, f'lacks "{SPDX}" in its first lines')
        if path.parts[0] == 'web':
            check_page(path, text, found)
        if suffix in tree.C_SUFFIXES:
            check_c(path, text, found)
            if path.parts[0] in FOLDERS:
                folders.add(path.parent)
    for folder in sorted(folders):
        check_readme(top, folder, found)
    found.finish(f'{checked} files')


if __name__ == '__main__':
    main()

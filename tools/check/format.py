# SPDX-License-Identifier: BSD-3-Clause
"""clang-format has the last word on layout; other versions lay out otherwise."""
import re
import shutil
import subprocess
import sys

import tree

VERSION = '14'
SKIP = 77


def main():
    tool = shutil.which(f'clang-format-{VERSION}') or shutil.which('clang-format')
    said = subprocess.run([tool, '--version'], capture_output=True, text=True).stdout if tool else ''
    if not re.search(rf'version {VERSION}\.', said):
        print(f'skipped: clang-format {VERSION} is not installed (apt-get install clang-format-{VERSION})')
        sys.exit(SKIP)
    top = tree.root()
    files = [str(p) for p, suffix in tree.walk(top) if suffix in tree.C_SUFFIXES]
    r = subprocess.run([tool, '--dry-run', '--Werror', '--style=file', *files], cwd=top,
                       capture_output=True, text=True)
    wrong = sorted(set(re.findall(r'^([^:\n]+):\d+:\d+: error', r.stderr, re.M)))
    for path in wrong:
        line = re.search(rf'^{re.escape(path)}:(\d+)', r.stderr, re.M)[1]
        print(f'{path}:{line}: not as .clang-format has it; run {tool} -i {path}')
    print(f'{len(files)} files checked, {len(wrong)} wrong')
    sys.exit(1 if r.returncode else 0)


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""Every plant of plants.py can be planted: its old text is in its file once;
its tests exist; and doc/protocol/known-mistakes.md has exactly these plants.
"""
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = pathlib.Path(os.environ.get('top_srcdir') or HERE.parent.parent)
DOCUMENT = 'doc/protocol/known-mistakes.md'

sys.path.insert(0, str(HERE))
import plants  # noqa: E402


def row(plant):
    """Its row in the document."""
    files = ' '.join(f'`{file}`' for file in dict.fromkeys(edit.file for edit in plant.edits))
    tests = ' '.join(f'`{test}`' for test in plant.tests)
    return f'| {plant.name} | {plant.mistake} | {files} | {tests} |'


def exists(test):
    """Whether there is such a test, program or method."""
    path, _, method = test.partition('.')
    if test.startswith(('interop/', 'chaos/', 'e2e/')):
        file = TOP / 'tests' / (path + '.py')
        name = method.rpartition('.')[2]
        return file.is_file() and re.search(rf'^    def {name}\(', file.read_text(encoding='utf-8'), re.M)
    return (TOP / test).is_file() or (TOP / (test + '.c')).is_file()


def wrong():
    text = (TOP / DOCUMENT).read_text(encoding='utf-8')
    rows = re.findall(r'^\| (?!plant )[a-z-]+ \| .*\|$', text, re.M)
    for plant in plants.PLANTS:
        for edit in plant.edits:
            times = (TOP / edit.file).read_text(encoding='utf-8').count(edit.old)
            if times != 1:
                yield f'{edit.file}: {times} times the text that the plant {plant.name} changes; follow it there'
        for test in plant.tests:
            if not exists(test):
                yield f'{plant.name}: there is no test {test}'
    for line in map(row, plants.PLANTS):
        if line not in rows:
            yield f'{DOCUMENT}: lacks the row {line}'
    for line in set(rows) - set(map(row, plants.PLANTS)):
        yield f'{DOCUMENT}: no such plant: {line}'


def main():
    findings = list(wrong())
    for finding in findings:
        print(finding)
    print(f'{len(plants.PLANTS)} plants checked, {len(findings)} wrong')
    sys.exit(1 if findings else 0)


if __name__ == '__main__':
    main()

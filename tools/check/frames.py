# SPDX-License-Identifier: BSD-3-Clause
"""What the unit tests and replay scripts of signald/core say and hear is what
doc/protocol/asyncapi.yaml says: every frame of the server is one of its
messages, and a request that it refuses was refused by the server too.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import tree

try:
    import contract
except ImportError as missing:
    print(f'skipped: {missing} (apt-get install python3-jsonschema python3-yaml)')
    sys.exit(77)

DOC = 'doc/protocol/asyncapi.yaml'
UNIT, REPLAY = 'tests/unit/signald/core', 'tests/replay/signald_replay'
SHOWN_MAX = 5


def programs(top, build):
    """The built tests of signald/core, whatever they are called."""
    for path in sorted((top / UNIT).glob('*.c')):
        yield f'{UNIT}/{path.stem}', build / UNIT / path.stem
    yield REPLAY, build / REPLAY


def records(data):
    """(direction, link, frame) of what tap.c wrote; a new world has direction None."""
    at = 0
    while at < len(data):
        end = data.index(b'\n', at)
        words, at = data[at:end].split(), end + 1
        if words == [b'world']:
            yield None, None, None
            continue
        length = int(words[2])
        yield words[0].decode(), int(words[1]), data[at:at + length]
        at += length + 1


def values(frame):
    """The objects of a frame, up to where it is no JSON."""
    try:
        text, at = frame.decode(), 0
        while text[at:].strip():
            at += len(text[at:]) - len(text[at:].lstrip())
            value, at = json.JSONDecoder().raw_decode(text, at)
            if isinstance(value, dict):
                yield value
    except ValueError:
        return


class Judge:
    """Frames of one shape are judged once: there are many."""

    def __init__(self, con):
        self.con, self.asked, self.judged, self.wrong = con, {}, set(), []

    def once(self, value, asked, text):
        shape = asked, re.sub(r'\d*[1-9]\d*|00+', '1', json.dumps(value))
        if shape in self.judged:
            return
        self.judged.add(shape)
        wrong = self.con.wrong_frame(value, asked)
        if wrong:
            self.wrong.append(f'{text}{wrong}, in {json.dumps(value)[:300]}')

    def said(self, link, value):
        if isinstance(value.get('op'), str):
            self.asked[link, value.get('id')] = value

    def heard(self, link, value):
        request = self.asked.get((link, value.get('id')), {})
        self.once(value, request.get('op'), 'signald says ')
        if 'ok' in value and request:
            self.once(request, None, 'signald takes ')


def main():
    top, found = tree.root(), tree.Findings()
    build = pathlib.Path(os.environ.get('top_builddir', 'build'))
    judge = Judge(contract.Contract.load(top / DOC))
    for name, program in programs(top, build):
        if not program.exists():
            continue
        with tempfile.NamedTemporaryFile(prefix='floe-frames-') as tap:
            # Whether it passes is told elsewhere.
            subprocess.run([program], env=dict(os.environ, FLOE_FRAMES=tap.name), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
            data = pathlib.Path(tap.name).read_bytes()
        for direction, link, frame in records(data):
            if direction is None:
                judge.asked.clear()
                continue
            for value in values(frame):
                (judge.said if direction == '>' else judge.heard)(link, value)
        for wrong in judge.wrong[:SHOWN_MAX]:
            found.error(DOC, 1, f'{name}: {wrong}')
        judge.wrong.clear()
    if not judge.judged:
        found.error(UNIT, 1, 'no test said anything; build them first')
    found.finish(f'{len(judge.judged)} frames')


if __name__ == '__main__':
    main()

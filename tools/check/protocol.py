# SPDX-License-Identifier: BSD-3-Clause
"""doc/protocol/asyncapi.yaml and signaling.md have the ops, fields, pushes and
codes that signald has, no more and no less, and their examples are right.

The ops come from the built daemon's own table (ops.txt of the build).
"""
import json
import os
import pathlib
import re
import sys

import tree

try:
    import yaml

    import contract
except ImportError as missing:
    print(f'skipped: {missing} (apt-get install python3-jsonschema python3-yaml)')
    sys.exit(77)

DOC = 'doc/protocol/asyncapi.yaml'
PROSE = 'doc/protocol/signaling.md'
OPS = 'tests/unit/signald/core/ops.txt'
CORE = 'signald/core'
ENVELOPES = {'noun.verb', 'name'}  # of the table of envelopes; no message


class Places:
    """Where in a file something is said, for findings."""

    def __init__(self, top, path):
        self.path, self.text = path, (top / path).read_text(encoding='utf-8')

    def line(self, word):
        at = self.text.find(word)
        return self.text.count('\n', 0, at + word.startswith('\n')) + 1 if at >= 0 else 1


def compare(found, place, what, code, documented, word='{}'):
    for name in sorted(set(code) - set(documented)):
        found.error(place.path, 1, f'{what} {name} is missing; the daemon has it')
    for name in sorted(set(documented) - set(code)):
        found.error(place.path, place.line(word.format(name)), f'{what} {name}: the daemon has none')


def check_ops(found, place, con, table):
    ops = {words[0]: set(words[1:]) for words in (line.split() for line in table.splitlines())}
    compare(found, place, 'op', ops, con.requests, '\n    {}:')
    for op in ops.keys() & con.requests.keys():
        said = con.messages[con.requests[op]]['payload']['properties'].keys() - {'id', 'op'}
        line = place.line(f'\n    {op}:')
        for field in sorted(ops[op] ^ said):
            who = 'the document' if field in said else 'signald'
            found.error(DOC, line, f'op {op}: only {who} has the field {field}')
        if con.answers[op] not in con.messages:
            found.error(DOC, line, f'op {op}: x-answer names no message')
            del con.answers[op]


def pushes_of(top):
    """Names that signald/core can push: those it begins, and those it passes on to what does."""
    begun = re.compile(r'(?:sig_push_begin\([^;"]*|"push", |\\"push\\":\\)"([a-z._]+)\\?"')
    passed = re.compile(r'"([a-z]+(?:\.[a-z_]+)+)"')
    names = set()
    for path in sorted((top / CORE).glob('*.c')):
        text = path.read_text(encoding='utf-8')
        names.update(begun.findall(text))
        if path.name not in ('op.c', 'event.c'):  # ops, and events of the webhook
            names.update(passed.findall(text))
    return names


def check_schemas(found, place, value, path=''):
    """What a validator of schemas takes and nobody means."""
    if isinstance(value, dict):
        if value.get('type') == 'object' and 'additionalProperties' not in value:
            found.error(place.path, 1, f'{path}: say additionalProperties, mostly false')
        for key, inner in value.items():
            if inner is None:
                found.error(place.path, place.line(key), f'{path}/{key} is nothing; a comma of a text in braces?')
            if key not in ('example', 'examples'):
                check_schemas(found, place, inner, f'{path}/{key}')
    elif isinstance(value, list):
        for inner in value:
            check_schemas(found, place, inner, path)


def check_document(found, place, con):
    """What holds for the document alone."""
    check_schemas(found, place, con.doc['components'])
    channel = con.doc['channels']['/ws']
    listed = [ref['$ref'].replace(contract.PREFIX, '') for side in ('publish', 'subscribe')
              for ref in channel[side]['message']['oneOf']]
    for name in sorted(con.messages.keys() ^ set(listed)):
        found.error(DOC, place.line(f'\n    {name}:'), f'message {name} must be in components and in the list of /ws')
    for name, message in con.messages.items():
        line = place.line(f'\n    {name}:')
        if not message.get('examples'):
            found.error(DOC, line, f'message {name} has no example')
        for example in message.get('examples', ()):
            wrong = con.wrong(name, example['payload'])
            if wrong:
                found.error(DOC, line, f'example of {wrong}')


def whole(text):
    """JSON of an abbreviated example: "..." and n stand for a value, ... for members too."""
    def fill(m):
        if m['string']:
            return m['string']
        before, after = text[:m.start()].rstrip()[-1:], text[m.end():].lstrip()[:1]
        value = json.dumps(contract.LEFT_OUT)
        member = m[0] == '...' and (before == '{' or before == ',' and after == '}')
        return f'{value}:{value}' if member else value
    return re.sub(r'(?P<string>"(?:\\.|[^"\\])*")|\.\.\.|\bn\b', fill, text)


def examples_of(text):
    """(line, text) of each example: the objects of json blocks, and `{"op":...}` in the prose."""
    for m in re.finditer(r'```json\n(?P<block>.*?)```|```.*?```|`(?P<span>[^`]+)`', text, re.S):
        line = text.count('\n', 0, m.start()) + 1
        if m['block']:
            yield line + 1, m['block']
        elif m['span'] and re.match(r'{"(id|op|push)":', m['span']):
            yield line, m['span']


def objects(found, line, text):
    text, at = whole(text), 0
    decoder = json.JSONDecoder()
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError as error:
            found.error(PROSE, line + text.count('\n', 0, at), f'not JSON: {error}')
            return
        yield line + text.count('\n', 0, at), value
        at = end


def check_prose(found, place, con):
    """Every example is right, and every message has one. Answers follow their request."""
    shown, asked, last = set(), {}, None
    for line, text in examples_of(place.text):
        for at, value in objects(found, line, text):
            if value.get('op', value.get('push')) in ENVELOPES or 'ok' in value and not last:
                continue
            if 'op' in value:
                last = asked[value.get('id')] = value['op']
            op = last if value.get('id') == contract.LEFT_OUT else asked.get(value.get('id'))
            try:
                name = con.name_of(value, op)
            except LookupError:
                found.error(PROSE, at, f'example of no message: {json.dumps(value)}')
                continue
            shown.add(name)
            wrong = con.wrong(name, value)
            if wrong:
                found.error(PROSE, at, f'example of {wrong}')
    for name in sorted(con.messages.keys() - shown):
        found.error(PROSE, 1, f'message {name} has no example')


def check_codes(found, top, place, prose, con):
    source = (top / CORE / 'reply.c').read_text(encoding='utf-8')
    codes = set(re.findall(r'\[SIG_(?!OK\])\w+\] = \{ "(\w+)"', source))
    compare(found, place, 'error code', codes, con.doc['components']['schemas']['code']['enum'])
    section = re.search(r'\n## Errors\n(.*?)\n## ', prose.text, re.S)
    told = set(re.findall(r'`([a-z_]+)`(?!:)', section[1] if section else '')) - {'msg', 'retry_ms'}
    compare(found, prose, 'error code', codes, told & codes, '`{}`')


def check_closes(found, top, place, prose, con):
    codes = set()
    for path in [*(top / CORE).glob('*.c'), *(top / 'signald').glob('*.c')]:
        text = path.read_text(encoding='utf-8')
        codes.update(re.findall(r'sig_link_close\([^;]*?\b(4\d{3})\b', text))
        codes.update(re.findall(r'#define CLOSE_\w+\s+(4\d{3})\b', text))
    compare(found, place, 'close code', codes, con.doc['channels']['/ws']['x-close-codes'])
    compare(found, prose, 'close code', codes, re.findall(r'^\| (4\d{3}) \|', prose.text, re.M), '\n| {}')


def main():
    top, found = tree.root(), tree.Findings()
    build = pathlib.Path(os.environ.get('top_builddir', 'build'))
    place, prose = Places(top, DOC), Places(top, PROSE)
    try:
        con = contract.Contract.load(top / DOC)
    except yaml.YAMLError as error:
        found.error(DOC, 1, ' '.join(str(error).split()))
        found.finish('nothing')
    check_ops(found, place, con, (build / OPS).read_text(encoding='utf-8'))
    compare(found, place, 'push', pushes_of(top), con.pushes, '\n    push.{}:')
    check_document(found, place, con)
    check_prose(found, prose, con)
    check_codes(found, top, place, prose, con)
    check_closes(found, top, place, prose, con)
    found.finish(f'{len(con.messages)} messages')


if __name__ == '__main__':
    main()

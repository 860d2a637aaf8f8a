# SPDX-License-Identifier: BSD-3-Clause
"""The table of limits in doc/protocol/signaling.md names every member of
welcome.limits that doc/protocol/asyncapi.yaml has and every option of [signald]
that is a limit by its name; options have the defaults of floe.conf(5), limits
without an option the values of the constants that enforce them.
"""
import math
import re

import yaml

import tree

TABLE = 'doc/protocol/signaling.md'
CONTRACT = 'doc/protocol/asyncapi.yaml'
MAN = 'doc/man/floe.conf.5'
LIMIT = re.compile(r'max-|.*-(max|rate|quota|members|queue)$')
CONSTANTS = {
    'bytes of a frame, and of what it inflates to': ('signald/conf.h', 'SIGNALD_FRAME_MAX'),
    'the same before the `hello`': ('signald/core/core.h', 'SIG_PRELOGIN_READ'),
    'fragments of a message': ('signald/worker.c', 'FRAGMENTS_MAX'),
    'requests before the `hello`': ('signald/core/state.h', 'SIG_PRELOGIN_OPS'),
    'bytes of the head of an HTTP request': ('signald/front.h', 'FRONT_HEAD_MAX'),
    'fields of the head of an HTTP request': ('lib/h1/h1.h', 'H1_FIELDS_MAX'),
    'bytes of a form by HTTP, but of ops and files': ('signald/front.h', 'FRONT_BODY_MAX'),
    'bytes of pushes without an ack': ('signald/core/inbox.c', 'FLIGHT_BYTES'),
    'bytes of a text': ('signald/conf.c', '.text_bytes'),
    'bytes of an SDP': ('signald/conf.c', '.sdp_bytes'),
    'candidates in one request': ('signald/conf.c', '.candidates'),
}
ROW = re.compile(r'\| (?P<limit>[^|]+) \| (?P<member>[^|]+) \| (?P<option>[^|]+) \| (?P<default>[^|]+) \| [^|]+ \|$')


def rows(text):
    """The rows of the section, without its head and the line below."""
    section = text.split('\n## Limits\n')[1].split('\n## ')[0]
    found = [ROW.match(line) for line in section.splitlines()]
    return [match for match in found if match and not match['limit'].startswith('limit')]


def told(contract):
    """The members of welcome.limits."""
    payload = contract['components']['messages']['push.welcome']['payload']
    return set(payload['properties']['limits']['properties'])


def defaults(man):
    """{option: default} of [signald]."""
    section = man.split('.Ss Section signald')[1]
    return dict(re.findall(r'\.It Ic (\S+) = [^\n]*\n(?:(?!\.It ).*\n)*?Default: ([^.,\n]+)[.,]', section))


def constant(text, name):
    """The value of a #define, or of a member where a struct is filled in."""
    head = re.escape(name) + r' = ' if name.startswith('.') else rf'#define {name}\s+'
    match = re.search(head + r'\(?([0-9 *]+)', text)
    return match and math.prod(int(factor) for factor in match[1].split('*'))


def fixed(table, top):
    """What is wrong with the limits that no option sets."""
    left = {row['limit']: row['default'] for row in table if row['option'] == '-'}
    for limit, (path, name) in CONSTANTS.items():
        value = constant((top / path).read_text(encoding='utf-8'), name)
        if str(value) != left.pop(limit, None):
            yield f'{limit}: not the {value} of {name} in {path}'
    for limit in left:
        yield f'{limit}: neither an option nor a constant that tools/check/limits.py knows'


def wrong(text, contract, man):
    """What does not agree, in words."""
    members, named, options = set(), set(), defaults(man)
    for row in rows(text):
        name = row['member'].strip('`')
        if name != '-':
            members.add(name)
        option, default = row['option'].strip('`'), row['default']
        named.add(option)
        if option != '-' and options.get(option) != default:
            yield f'{option}: default {default} here, {options.get(option)} in {MAN}'
    for option in sorted(filter(LIMIT.match, options.keys() - named)):
        yield f'{option}: a limit of {MAN} without a row'
    for name in sorted(members ^ told(contract)):
        yield f'{name}: not in both of the table and {CONTRACT}'


def main():
    top, findings = tree.root(), tree.Findings()
    text, man = (top / TABLE).read_text(encoding='utf-8'), (top / MAN).read_text(encoding='utf-8')
    contract = yaml.safe_load((top / CONTRACT).read_text(encoding='utf-8'))
    for what in [*wrong(text, contract, man), *fixed(rows(text), top)]:
        findings.error(TABLE, 1, what)
    findings.finish(f'{len(rows(text))} limits')


if __name__ == '__main__':
    main()

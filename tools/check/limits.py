# SPDX-License-Identifier: BSD-3-Clause
"""The table of limits in doc/protocol/signaling.md names every member of
welcome.limits that doc/protocol/asyncapi.yaml has, and every option it names is
in floe.conf(5) with the same default.
"""
import re

import yaml

import tree

TABLE = 'doc/protocol/signaling.md'
CONTRACT = 'doc/protocol/asyncapi.yaml'
MAN = 'doc/man/floe.conf.5'
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


def wrong(text, contract, man):
    """What does not agree, in words."""
    members, options = set(), defaults(man)
    for row in rows(text):
        name = row['member'].strip('`')
        if name != '-':
            members.add(name)
        option, default = row['option'].strip('`'), row['default']
        if option != '-' and options.get(option) != default:
            yield f'{option}: default {default} here, {options.get(option)} in {MAN}'
    for name in sorted(members ^ told(contract)):
        yield f'{name}: not in both of the table and {CONTRACT}'


def main():
    top, findings = tree.root(), tree.Findings()
    text, man = (top / TABLE).read_text(encoding='utf-8'), (top / MAN).read_text(encoding='utf-8')
    contract = yaml.safe_load((top / CONTRACT).read_text(encoding='utf-8'))
    for what in wrong(text, contract, man):
        findings.error(TABLE, 1, what)
    findings.finish(f'{len(rows(text))} limits')


if __name__ == '__main__':
    main()

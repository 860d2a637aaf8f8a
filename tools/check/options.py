# SPDX-License-Identifier: BSD-3-Clause
"""Every option of every daemon is in floe.conf(5) and in the sample, with its
default, and neither tells of one that does not exist. What the file of an app
may set is marked so.

What exists is asked of the built daemons: -T lists every key, one that is not
set and has no default as a comment.
"""
import os
import pathlib
import re
import subprocess
import tempfile

import tree

MAN = 'doc/man/floe.conf.5'
SAMPLE = 'etc/floe.conf'
DAEMONS = ('stund', 'turnd', 'signald')
# Defaults that are not the same in every build, or of which there is none.
NOT_COMPARED = {('signald', 'web-dir'), ('floe', 'turn-secret')}
# The least that a daemon starts with.
MINIMAL = '''[floe]
turn-secret = a
[stund]
listen = udp://127.0.0.1:3478
[turnd]
listen = udp://127.0.0.1:3479
[signald]
listen = http://127.0.0.1:8080
'''
APP = '[signald]\nhost = a\n'
MARK = "An app's"
SETTING = re.compile(r'(?P<off>; )?(?P<key>[a-z][a-z0-9-]*) =(?: (?P<value>.*))?$')


def dump(program, text):
    """{(section, key): default or None} that the daemon tells."""
    return settings(told(program, text))[0]


def told(program, text):
    """What -T says of a configuration."""
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as conf:
        conf.write(text)
        conf.flush()
        done = subprocess.run([program, '-T', '-c', conf.name], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f'{program} -T: {done.stderr}')
    return done.stdout


def of_app(program):
    """The options that the file of an app may set."""
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as conf:
        conf.write(APP)
        conf.flush()
        text = told(program, MINIMAL + f'app = other {conf.name}\n')
    return set(settings(text.partition('\n; app other: ')[2])[0])


def settings(text):
    """A configuration's ({(section, key): value or None}, {...: line})."""
    values, lines, section = {}, {}, None
    for number, line in enumerate(text.splitlines(), 1):
        heading = re.match(r'\[(\w+)\]', line)
        setting = SETTING.match(line)
        if heading:
            section = heading[1]
        elif setting:
            at = section, setting['key']
            values[at] = setting['value'] or None
            lines.setdefault(at, number)
    return values, lines


def manual(text):
    """{(section, key): (line, the entry's text)} of floe.conf(5)."""
    entries, section, at = {}, None, None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith('.Sh'):
            section = at = None
        elif line.startswith('.Ss Section '):
            section, at = line.split()[2], None
        elif section and line.startswith('.It Ic '):
            at = section, line.split()[2]
            entries[at] = number, ''
        elif at:
            entries[at] = entries[at][0], entries[at][1] + line + '\n'
    return entries


def same_entry(entries):
    """Keys told together: the earlier one has the text of the last."""
    text = ''
    for at in reversed(entries):
        line, own = entries[at]
        text = own or text
        entries[at] = line, text


def check_defaults(findings, options, entries):
    for at, default in options.items():
        if at not in entries or default is None or at in NOT_COMPARED or at[1] == 'listen':
            continue
        line, text = entries[at]
        if 'As in [' in text:
            continue
        stated = re.search(r'Default:(.*?)(?=\n\.It|\Z)', text, re.S)
        words = re.sub(r'^\.\w+ ', '', stated[1], flags=re.M) if stated else ''
        if not re.search(rf'(?<![\w-]){re.escape(default)}(?![\w-])', words):
            findings.error(MAN, line, f'[{at[0]}] {at[1]}: its default is {default}')


def check_marks(findings, apps, entries):
    for at, (line, text) in entries.items():
        if at[0] == 'signald' and (MARK + '.' in text or MARK + ';' in text) != (at in apps):
            findings.error(MAN, line, f'[{at[0]}] {at[1]}: "{MARK}" belongs to what the file of an app may set')


def check_names(findings, path, options, told, what):
    judged = {section for section, _ in options}
    for at in sorted(set(options) - set(told)):
        findings.error(path, 1, f'[{at[0]}] {at[1]} is missing: {what}')
    for at, line in told.items():
        if at[0] in judged and at not in options:
            findings.error(path, line, f'[{at[0]}] {at[1]}: there is no such option')


def check_sample(findings, programs, options, text):
    values, lines = settings(text)
    check_names(findings, SAMPLE, options, lines, 'add it, commented out, with its default')
    for at, value in values.items():
        commented = re.search(rf'^; {at[1]} =', text, re.M)
        if commented and options.get(at) not in (None, value) and at not in NOT_COMPARED:
            findings.error(SAMPLE, lines[at], f'[{at[0]}] {at[1]}: its default is {options[at]}')
    for program in programs:
        dump(program, text.replace('; turn-secret = ', 'turn-secret = '))


def main():
    top, findings, options = tree.root(), tree.Findings(), {}
    build = pathlib.Path(os.environ.get('top_builddir', 'build'))
    programs = [str(build / name / name) for name in DAEMONS if (top / name / 'main.c').exists()]
    for program in programs:
        options.update(dump(program, MINIMAL))
    entries = manual((top / MAN).read_text(encoding='utf-8'))
    same_entry(entries)
    check_names(findings, MAN, options, {at: line for at, (line, _) in entries.items()}, 'describe it')
    check_defaults(findings, options, entries)
    for program in programs:
        if program.endswith('signald'):
            check_marks(findings, of_app(program), entries)
    check_sample(findings, programs, options, (top / SAMPLE).read_text(encoding='utf-8'))
    findings.finish(f'{len(options)} options')


if __name__ == '__main__':
    main()

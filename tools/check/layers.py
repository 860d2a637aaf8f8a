# SPDX-License-Identifier: BSD-3-Clause
"""Holds every #include against LAYERS: who may know whom."""
import re

import tree

INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')
CODE = ('lib', 'stund', 'turnd', 'signald', 'tools')

# What a "pure" folder may use of libc: no socket, clock, thread, file.
PURE = set('''assert.h ctype.h endian.h errno.h inttypes.h limits.h math.h
    sanitizer/asan_interface.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h
    stdio.h stdlib.h string.h strings.h sys/queue.h sys/types.h'''.split())
# stdio.h and stdlib.h are pure without these.
IMPURE_CALL = re.compile(r'(?<![\w.>])(f?printf|vf?printf|puts|fputs|putchar|f?open|fdopen|fread|fwrite'
                         r'|fgets|getline|perror|getenv|setenv|system|exit|abort|rand|random|srandom)\s*\(')
SYSTEM = PURE | set('''dirent.h dlfcn.h fcntl.h fenv.h float.h getopt.h grp.h ifaddrs.h iconv.h
    langinfo.h locale.h malloc.h netdb.h poll.h pthread.h pwd.h regex.h sched.h semaphore.h
    setjmp.h signal.h spawn.h stdatomic.h stdnoreturn.h syslog.h termios.h threads.h time.h uchar.h
    unistd.h wchar.h wctype.h'''.split())
SYSTEM_FOLDER = re.compile(r'(sys|net|netinet|arpa|linux|asm|bits)/')


class Row:
    def __init__(self, line, folder, ours, third):
        self.line, self.folder = line, folder
        self.ours = [w for w in ours.split() if w != '-']
        self.third = [w for w in third.split() if w not in ('-', 'pure')]
        self.pure = 'pure' in third.split()

    def may_third(self, header):
        return any(header == t or t.endswith('/') and header.startswith(t) for t in self.third)


def read_rows(top, found):
    rows = {}
    for n, text in enumerate((top / 'LAYERS').read_text().splitlines(), 1):
        if not text.strip() or text.startswith('#'):
            continue
        cells = [c.strip() for c in text.split('|')]
        if len(cells) != 3 or cells[0] in rows:
            found.error('LAYERS', n, 'a row is "folder | our folders | third-party headers", one a folder')
            continue
        row = Row(n, *cells)
        check_row(row, rows, found)
        rows[row.folder] = row
    return rows


def check_row(row, above, found):
    daemon = row.folder.split('/')[0]
    for name in row.ours:
        if name not in above:
            found.error('LAYERS', row.line, f'{row.folder} names {name}, which is not above it; '
                        'a row names rows above it only, so that no circle can be written')
        elif not name.startswith('lib/') and name.split('/')[0] != daemon:
            found.error('LAYERS', row.line, f'{row.folder} names {name} of another daemon; '
                        'what both need belongs into lib/')
    for other in above.values():
        for header in row.third:
            if header in SYSTEM or SYSTEM_FOLDER.match(header):
                continue
            if other.may_third(header) or any(row.may_third(t) for t in other.third):
                found.error('LAYERS', row.line, f'{row.folder} may not include <{header}>: '
                            f'{other.folder} is the one folder that does')


def judge_ours(top, rows, row, header):
    folder = header.rsplit('/', 1)[0] if '/' in header else ''
    if folder == row.folder or header == 'config.h' and not row.pure:
        return None
    if folder not in rows:
        return f'"{header}" is not ours; write the path from the top of the tree, or <...> for others\' headers'
    if folder not in row.ours:
        return (f'{row.folder} may not include "{header}"; its row in LAYERS allows: '
                f'{" ".join(row.ours) or "nothing of ours"}')
    return None if (top / header).exists() else f'"{header}" does not exist'


def judge_others(rows, row, header):
    if row.may_third(header):
        return None
    if header in SYSTEM or SYSTEM_FOLDER.match(header):
        if row.pure and header not in PURE:
            return (f'{row.folder} is pure and may not include <{header}>; '
                    'take bytes and time as arguments and let the shell do the rest')
        return None
    owner = next((r.folder for r in rows.values() if r.may_third(header)), None)
    if owner:
        return f'<{header}> belongs to {owner}; use what its headers offer'
    return f'<{header}> is in no row of LAYERS; a new library needs a row and an ADR'


def check_file(top, path, row, rows, found):
    text = (top / path).read_text()
    for n, line in enumerate(text.splitlines(), 1):
        m = INCLUDE.match(line)
        if not m:
            continue
        wrong = (judge_ours(top, rows, row, m[2]) if m[1] == '"' else judge_others(rows, row, m[2]))
        if wrong:
            found.error(path, n, wrong)
    if not row.pure:
        return
    for n, line in enumerate(tree.without_comments(text).splitlines(), 1):
        m = IMPURE_CALL.search(line)
        if m:
            found.error(path, n, f'{row.folder} is pure and may not call {m[1]}()')


def main():
    top, found, checked = tree.root(), tree.Findings(), 0
    rows = read_rows(top, found)
    orphans = set()
    for path, suffix in tree.walk(top, *CODE):
        if suffix not in tree.C_SUFFIXES:
            continue
        checked += 1
        row = rows.get(path.parent.as_posix())
        if row:
            check_file(top, path, row, rows, found)
        elif path.parent not in orphans:
            orphans.add(path.parent)
            found.error(path, 1, f'{path.parent} has no row in LAYERS; add one below all that it includes')
    found.finish(f'{checked} files, {len(rows)} rows')


if __name__ == '__main__':
    main()

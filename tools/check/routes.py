# SPDX-License-Identifier: BSD-3-Clause
"""doc/openapi has the routes and error codes that the daemons have, no more and
no less, and its examples are right.
"""
import re
import sys

import tree

try:
    import yaml

    import rest
    from protocol import Places, check_schemas, compare
except ImportError as missing:
    print(f'skipped: {missing} (apt-get install python3-jsonschema python3-yaml)')
    sys.exit(77)

ADMIN = re.compile(r'\{ "(GET|POST|PUT|PATCH|DELETE)",\s*"([^"]+)",\s*([A-Z_0-9]+),')
FRONT = re.compile(r'\{ H1_(GET|POST|PUT|PATCH|DELETE),\s*"([^"]+)",')
# Document: the source of its table, how a row looks, who answers with an error, what answers beside the table.
TABLES = {
    'doc/openapi/signald.yaml': ('signald/front.c', FRONT, 'front_error', 'signald/*.c', {}),
    **{f'doc/openapi/{name}-admin.yaml': (f'{name}/admin.c', ADMIN, 'http_error', f'{name}/*.c',
                                          {('GET', '/'): 'HTTP_OPEN'})
       for name in ('signald', 'stund', 'turnd')},
}


def prefix(path):
    """A template or a row's path as its fixed part: /v1/users/{a}/{b} and /v1/users/* are /v1/users/."""
    return re.sub(r'(\{.*|\*)$', '', path)


def codes_of(top, call, *patterns):
    """The codes that calls of front_error or http_error give; of the public side those in a table, too."""
    codes = set()
    for pattern in patterns:
        for path in top.glob(pattern):
            text = path.read_text(encoding='utf-8')
            if call == 'front_error':
                codes.update(re.findall(r'\{ "([a-z_]+)", [45]\d\d \}', text))
            for said in re.findall(rf'\b{call}\(([^;]*?);', text):
                first = re.search(r'"([a-z_]+)"(?:\s*:\s*"([a-z_]+)")?', said)
                codes.update(filter(None, first.groups()) if first else ())
    return codes


def check_document(found, place, doc):
    check_schemas(found, place, {'paths': doc.doc['paths'], 'components': doc.doc['components']})
    for what, body in doc.bodies():
        line = place.line(f'\n  {what.split()[1]}:')
        if 'example' not in body:
            found.error(place.path, line, f'{what} has no example')
            continue
        wrong = doc.wrong(body['schema'], body['example'])
        if wrong:
            found.error(place.path, line, f'example of {what}: {wrong}')
    for (method, path), operation in doc.operations.items():
        if not operation.get('summary') or not operation.get('operationId'):
            found.error(place.path, place.line(f'\n  {path}:'), f'{method} {path}: summary and operationId are missing')


def check_table(found, top, path, document):
    source, row, call, answers, rows = document
    place = Places(top, path)
    try:
        doc = rest.Rest.load(top / path)
    except yaml.YAMLError as error:
        found.error(path, 1, ' '.join(str(error).split()))
        return 0
    table = {(m[1], m[2]): m[3] if row is ADMIN else None
             for m in row.finditer((top / source).read_text(encoding='utf-8'))} | rows
    compare(found, place, 'route', {f'{m} {prefix(p)}' for m, p in table},
            {f'{m} {prefix(p)}' for m, p in doc.operations}, word='{}')
    for (method, template), operation in doc.operations.items():
        flags = [f for (m, p), f in table.items() if (m, prefix(p)) == (method, prefix(template)) and f]
        if flags and ('HTTP_OPEN' in flags) != (operation.get('security') == []):
            found.error(path, place.line(f'\n  {template}:'), f'{method} {template}: "security: []" belongs to HTTP_OPEN')
    check_document(found, place, doc)
    codes = codes_of(top, call, answers, *(('lib/http/http.c',) if row is ADMIN else ()))
    compare(found, place, 'error code', codes, doc.doc['components']['schemas']['Code']['enum'])
    return len(doc.operations)


def main():
    top, found = tree.root(), tree.Findings()
    checked = sum(check_table(found, top, path, document) for path, document in TABLES.items())
    found.finish(f'{checked} routes')


if __name__ == '__main__':
    main()

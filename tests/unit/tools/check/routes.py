# SPDX-License-Identifier: BSD-3-Clause
"""routes.py catches a document that keeps a route back or makes one up."""
import importlib.util
import unittest

from planted import Planted

HEAD = '''openapi: 3.1.0
security:
- token: []
paths:
'''
ROUTE = '''  {path}:
    {method}:
      operationId: x
      summary: It.
{more}      responses:
        "200":
          description: It.
          content:
            application/json:
              schema:
                type: object
                additionalProperties: false
                properties:
                  a: {{type: integer}}
              example: {{"a":1}}
'''
TAIL = '''components:
  schemas:
    Code: {{enum: [{codes}]}}
'''
OPEN = '      security: []\n'
ADMIN = 'doc/openapi/stund-admin.yaml'
FRONT = 'doc/openapi/signald.yaml'


@unittest.skipUnless(importlib.util.find_spec('jsonschema') and importlib.util.find_spec('yaml'),
                     'needs python3-jsonschema and python3-yaml')
class Routes(Planted):
    checker = 'routes.py'

    def setUp(self):
        super().setUp()
        self.write('lib/http/http.c', '')
        for name in ('signald', 'stund', 'turnd'):
            self.write(f'{name}/admin.c', '{ "GET", "/a", HTTP_OPEN, get_a, "a" },\n{ "PUT", "/b/*", 0,\n    put_b, "b" },\n')
            self.document(f'doc/openapi/{name}-admin.yaml', ('get', '/', OPEN), ('get', '/a', OPEN), ('put', '/b/{x}/{y}', ''))
        self.write('signald/front.c', '{ H1_GET, "/f", get_f, NULL },\n')
        self.document(FRONT, ('get', '/f', ''))

    def document(self, path, *routes, codes=''):
        self.write(path, HEAD + ''.join(ROUTE.format(method=m, path=p, more=more) for m, p, more in routes) +
                   TAIL.format(codes=codes))
        return (self.top / path).read_text()

    def test_good(self):
        self.assertIn('10 routes', self.passes())

    def test_routes(self):
        self.write('signald/front.c', '{ H1_GET, "/f", get_f, NULL },\n{ H1_POST, "/f", f, NULL },\n')
        self.catches(f'{FRONT}:1', 'route POST /f is missing')
        self.write('signald/front.c', '{ H1_GET, "/f", get_f, NULL },\n')
        self.document(ADMIN, ('get', '/', OPEN), ('get', '/a', OPEN), ('put', '/b/{x}', ''), ('get', '/c', ''))
        self.catches(f'{ADMIN}:1', 'route GET /c: the daemon has none')

    def test_tokens(self):
        self.document(ADMIN, ('get', '/', OPEN), ('get', '/a', ''), ('put', '/b/{x}', ''))
        self.catches(f'{ADMIN}:21', 'GET /a', 'HTTP_OPEN')
        self.document(ADMIN, ('get', '/', OPEN), ('get', '/a', OPEN), ('put', '/b/{x}', OPEN))
        self.catches(f'{ADMIN}:37', 'PUT /b/{x}', 'HTTP_OPEN')

    def test_codes(self):
        self.write('stund/stund.c', '/* SPDX */\nhttp_error(reply, 400,\n    bad ? "bad" : "worse", "It is bad.");\n')
        self.document(ADMIN, ('get', '/', OPEN), ('get', '/a', OPEN), ('put', '/b/{x}', ''), codes='bad')
        self.catches(f'{ADMIN}:1', 'error code worse is missing')
        self.document(ADMIN, ('get', '/', OPEN), ('get', '/a', OPEN), ('put', '/b/{x}', ''), codes='bad, none, worse')
        self.catches(f'{ADMIN}:54', 'error code none: the daemon has none')

    def test_document(self):
        good = self.document(FRONT, ('get', '/f', ''))
        self.write(FRONT, good.replace('{"a":1}', '{"a":"1"}'))
        self.catches(f'{FRONT}:5', 'example of GET /f 200: a:')
        self.write(FRONT, good.replace('              example: {"a":1}\n', ''))
        self.catches(f'{FRONT}:5', 'has no example')
        self.write(FRONT, good.replace('                additionalProperties: false\n', ''))
        self.catches(f'{FRONT}:1', 'additionalProperties')
        self.write(FRONT, good.replace('      summary: It.\n', ''))
        self.catches(f'{FRONT}:5', 'summary')
        self.write(FRONT, good + '    Code: {enum: []}\n')
        self.catches(f'{FRONT}:1', 'Code is there twice')


if __name__ == '__main__':
    unittest.main()

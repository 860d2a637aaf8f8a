# SPDX-License-Identifier: BSD-3-Clause
"""protocol.py catches documents that keep something back or make something up."""
import importlib.util
import os
import unittest

from planted import Planted

DOC = '''asyncapi: 2.6.0
channels:
  /ws:
    x-close-codes:
      4000: silent
    publish:
      message:
        oneOf:
        - $ref: '#/components/messages/a.do'
    subscribe:
      message:
        oneOf:
        - $ref: '#/components/messages/push.a.done'
        - $ref: '#/components/messages/ok.done'
        - $ref: '#/components/messages/err'
components:
  messages:
    a.do:
      x-answer: {$ref: '#/components/messages/ok.done'}
      payload:
        type: object
        additionalProperties: false
        required: [op, x]
        properties:
          id: {type: integer}
          op: {const: a.do}
          x: {type: integer}
      examples:
      - payload: {"id":1,"op":"a.do","x":1}
    push.a.done:
      payload:
        type: object
        additionalProperties: false
        properties:
          push: {const: a.done}
      examples:
      - payload: {"push":"a.done"}
    ok.done:
      payload:
        type: object
        additionalProperties: false
        required: [id, ok]
        properties:
          id: {type: integer}
          ok: {type: object, additionalProperties: false}
      examples:
      - payload: {"id":1,"ok":{}}
    err:
      payload:
        type: object
        additionalProperties: false
        required: [id, err]
        properties:
          id: {type: integer}
          err:
            type: object
            additionalProperties: false
            properties:
              code: {$ref: '#/components/schemas/code'}
      examples:
      - payload: {"id":1,"err":{"code":"bad"}}
  schemas:
    code: {enum: [bad]}
'''
PROSE = '''# Protocol

`{"id":n,"op":"noun.verb",...}` is refused with `{"id":n,"err":{"code":"..."}}`.

```json
{"id":1,"op":"a.do","x":1}
{"id":1,"ok":{}}
```
All hear `{"push":"a.done"}`.

## Errors

`bad` (whatever).

## Close codes

| 4000 | silent |
'''
DOC_AT, PROSE_AT = 'doc/protocol/asyncapi.yaml', 'doc/protocol/signaling.md'


@unittest.skipUnless(importlib.util.find_spec('jsonschema') and importlib.util.find_spec('yaml'),
                     'needs python3-jsonschema and python3-yaml')
class Protocol(Planted):
    checker = 'protocol.py'

    def setUp(self):
        super().setUp()
        self.write(DOC_AT, DOC)
        self.write(PROSE_AT, PROSE)
        self.write('signald/core/reply.c', '[SIG_OK] = { "internal", 0 },\n[SIG_BAD] = { "bad", 0 },\n')
        self.write('signald/core/a.c', 'sig_push_begin(&o, &b, "a.done");\nsig_link_close(core, id,\n    4000, "silent");\n')
        self.write('build/tests/unit/signald/core/ops.txt', 'a.do x\n')
        os.environ['top_builddir'] = str(self.top / 'build')

    def doc(self, old, new):
        self.write(DOC_AT, DOC.replace(old, new))

    def prose(self, old, new):
        self.write(PROSE_AT, PROSE.replace(old, new))

    def tells(self, at, *words):
        """A finding at file:line, maybe among others, that says all the words."""
        r = self.check()
        self.assertEqual((r.returncode, r.stderr), (1, ''), r.stdout)
        lines = [line for line in r.stdout.splitlines() if all(word in line for word in (f'{at}: ', *words))]
        self.assertTrue(lines, r.stdout)

    def test_good(self):
        self.assertIn('4 messages', self.passes())

    def test_ops(self):
        self.write('build/tests/unit/signald/core/ops.txt', 'a.do x\nb.do\n')
        self.catches(f'{DOC_AT}:1', 'op b.do is missing')
        self.write('build/tests/unit/signald/core/ops.txt', 'a.do x y\n')
        self.catches(f'{DOC_AT}:18', 'a.do', 'only signald has the field y')
        self.write('build/tests/unit/signald/core/ops.txt', 'a.do\n')
        self.catches(f'{DOC_AT}:18', 'a.do', 'only the document has the field x')
        self.write('build/tests/unit/signald/core/ops.txt', '')
        self.tells(f'{DOC_AT}:18', 'op a.do: the daemon has none')

    def test_answer(self):
        self.doc("x-answer: {$ref: '#/components/messages/ok.done'}", "x-answer: {$ref: '#/components/messages/ok.a'}")
        self.tells(f'{DOC_AT}:18', 'x-answer')

    def test_pushes(self):
        for said in ('sig_push_begin(o, b, "new");', 'tell(c, "b.done");', 'buf_puts(b, "{\\"push\\":\\"new\\",");',
                     'json_out_str(&o, "push", "new");'):
            self.write('signald/core/b.c', said)
            self.catches(f'{DOC_AT}:1', 'push', 'is missing')
        self.write('signald/core/b.c', '')
        self.write('signald/core/a.c', 'sig_link_close(core, id, 4000, "silent");\n')
        self.catches(f'{DOC_AT}:30', 'push a.done: the daemon has none')

    def test_codes(self):
        self.write('signald/core/reply.c', '[SIG_BAD] = { "bad", 0 },\n[SIG_WORSE] = { "worse", 0 },\n')
        self.tells(f'{DOC_AT}:1', 'error code worse')
        self.doc('{enum: [bad]}', '{enum: [bad, worse]}')
        self.catches(f'{PROSE_AT}:1', 'error code worse')

    def test_close_codes(self):
        self.write('signald/link.c', '#define CLOSE_SLOW 4002\n')
        self.tells(f'{DOC_AT}:1', 'close code 4002')
        self.doc('4000: silent', '4000: silent\n      4002: slow')
        self.catches(f'{PROSE_AT}:1', 'close code 4002')
        self.write('signald/link.c', '')
        self.tells(f'{DOC_AT}:6', 'close code 4002: the daemon has none')

    def test_document(self):
        self.doc('payload: {"id":1,"ok":{}}', 'payload: {"id":1,"ok":{"a":1}}')
        self.catches(f'{DOC_AT}:38', 'example of ok.done')
        self.doc('      examples:\n      - payload: {"push":"a.done"}\n', '')
        self.catches(f'{DOC_AT}:30', 'push.a.done has no example')
        self.doc("        - $ref: '#/components/messages/err'\n", '')
        self.catches(f'{DOC_AT}:47', 'message err must be in components and in the list')
        self.doc('ok: {type: object, additionalProperties: false}', 'ok: {type: object}')
        self.catches(f'{DOC_AT}:1', 'additionalProperties')
        self.doc('x: {type: integer}', 'x: {type: integer, description: one, or two}')
        self.catches(f'{DOC_AT}:27', 'or two is nothing')
        self.doc('  schemas:\n', '  schemas:\n    code: {enum: [bad]}\n')
        self.catches(f'{DOC_AT}:1', 'code is there twice')

    def test_prose(self):
        self.prose('"op":"a.do","x":1', '"op":"a.do","x":"1"')
        self.catches(f'{PROSE_AT}:6', 'example of a.do', 'x:')
        self.prose('"op":"a.do","x":1', '"op":"a.do","y":1')
        self.catches(f'{PROSE_AT}:6', 'example of a.do')
        self.prose('{"id":1,"ok":{}}', '{"id":1,"ok":{}')
        self.tells(f'{PROSE_AT}:7', 'not JSON')
        self.prose('{"push":"a.done"}', '{"push":"b.done"}')
        self.tells(f'{PROSE_AT}:9', 'example of no message')
        self.prose('All hear `{"push":"a.done"}`.', '')
        self.catches(f'{PROSE_AT}:1', 'push.a.done has no example')

    def test_abbreviated(self):
        self.prose('"op":"a.do","x":1', '"op":"a.do",...')
        self.passes()
        self.prose('"op":"a.do","x":1', '"op":"a.do","x":...')
        self.passes()
        self.prose('{"id":1,"ok":{}}', '{"id":1,"ok":{...}}')
        self.passes()


if __name__ == '__main__':
    unittest.main()

# SPDX-License-Identifier: BSD-3-Clause
"""An OpenAPI document, and what it says of an answer.

    rest = Rest.load(path)
    rest.wrong_answer('GET', '/healthz', 200, {'status': 'ok'})   # None, or why not
"""
import json
import re

import jsonschema

import contract

JSON = 'application/json'
ERROR = {'$ref': '#/components/responses/Error'}  # also of what is no route
METHODS = ('get', 'head', 'post', 'put', 'patch', 'delete')


class Rest:
    def __init__(self, doc):
        self.doc = doc
        self.operations = {(method.upper(), path): item[method] for path, item in doc['paths'].items()
                           for method in METHODS if method in item}

    @classmethod
    def load(cls, path):
        return cls(contract.read_yaml(path))

    def resolved(self, value):
        while '$ref' in value:
            name = value['$ref']
            value = self.doc
            for part in name.split('/')[1:]:
                value = value[part]
        return value

    def wrong(self, schema, value):
        """What is wrong with a value, or None."""
        whole = {'allOf': [schema], 'components': self.doc['components']}
        error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(whole).iter_errors(value))
        if error is None:
            return None
        at = '.'.join(map(str, error.absolute_path))
        return f'{at + ": " if at else ""}{error.message}'

    def find(self, method, path):
        """(template, operation) of a request. LookupError: none."""
        path = path.partition('?')[0]
        if (method, path) in self.operations:
            return path, self.operations[method, path]
        for (m, template), operation in self.operations.items():
            # Only the last parameter may have slashes in it.
            pattern = re.sub(r'\\{\w+\\}$', '.+', re.escape(template))
            if m == method and re.fullmatch(re.sub(r'\\{\w+\\}', '[^/]+', pattern), path):
                return template, operation
        raise LookupError(f'{method} {path} is not in the document')

    def wrong_answer(self, method, path, status, value):
        """value: the parsed body when it is JSON, else None."""
        try:
            template, operation = self.find(method, path)
        except LookupError:
            template, operation = path, {'responses': {code: ERROR for code in ('400', '404', '405')}}
        if str(status) not in operation['responses']:
            return f'{method} {path} {status} is not in the document: {json.dumps(value)[:300]}'
        answer = self.resolved(operation['responses'][str(status)])
        content = answer.get('content', {})
        if value is None:
            return f'{method} {template} {status}: no JSON' if JSON in content else None
        wrong = self.wrong(content.get(JSON, {}).get('schema', False), value)
        return f'{method} {template} {status}: {wrong}, in {json.dumps(value)[:300]}' if wrong else None

    def bodies(self):
        """(what, media type object) of every JSON body, each once."""
        seen = set()
        for (method, path), operation in self.operations.items():
            parts = {'request': operation.get('requestBody'), **operation['responses']}
            for what, part in parts.items():
                part = self.resolved(part or {})
                if JSON in part.get('content', {}) and id(part) not in seen:
                    seen.add(id(part))
                    yield f'{method} {path} {what}', part['content'][JSON]

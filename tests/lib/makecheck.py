# SPDX-License-Identifier: BSD-3-Clause
"""
makecheck: reads what `make check` left in a build folder, one line a test.

    makecheck.py --count FILE BUILD TEST...

A program of cmocka cases counts each case, any other test counts as one.
"""

import argparse
import os
import re
import sys

CASE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED|LASTEST)\s*\] (\S+)$", re.M)


def verdict(base):
    """The word that automake's driver wrote for the whole program."""
    try:
        with open(base + ".trs", encoding="utf-8") as trs:
            return re.search(r"^:global-test-result: (\w+)", trs.read(),
                             re.M).group(1)
    except (FileNotFoundError, AttributeError):
        return "MISSING"


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as text:
            return text.read()
    except FileNotFoundError:
        return ""


def report(build, test):
    """Print the lines of one test program; (passed, failed)."""
    stem = re.sub(r"\.(py|mjs|sh)$", "", test)
    base = os.path.join(build, stem)
    whole, log = verdict(base), read(base + ".log")
    cases = {name: word for word, name in CASE.findall(log)}
    failed = [name for name, word in cases.items() if word == "FAILED"]
    passed = [name for name, word in cases.items() if word == "OK"]
    if whole == "SKIP":
        print(f"SKIP  {test}")
        return 0, 0
    if whole == "PASS":
        for name in passed or [""]:
            print(f"PASS  {test} {name}".rstrip())
        return len(passed) or 1, 0
    for name in passed:
        print(f"PASS  {test} {name}")
    for name in failed or [whole.lower()]:
        print(f"FAIL  {test} {name}")
    print(f"--- log of {test}:\n{log}")
    return len(passed), len(failed) or 1


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    arguments.add_argument("--count", required=True, metavar="FILE")
    arguments.add_argument("build")
    arguments.add_argument("tests", nargs="*")
    given = arguments.parse_args()
    totals = [report(given.build, test) for test in given.tests]
    passed = sum(row[0] for row in totals)
    failed = sum(row[1] for row in totals)
    with open(given.count, "a", encoding="utf-8") as count:
        count.write(f"{passed} {failed}\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

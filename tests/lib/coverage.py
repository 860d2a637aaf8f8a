# SPDX-License-Identifier: BSD-3-Clause
"""
coverage: what the tests of a build with --coverage have reached of the
protocol, by file and folder; fails when a folder has less than it must.

    coverage.py TOP BUILD
"""

import argparse
import json
import os
import subprocess
import sys

# Folder: per cent of lines, per cent of branches.
LEAST = {"lib/stun": (95, 85), "turnd/core": (95, 85)}


def measure(top, build):
    """gcovr's summary of the files in the folders that count."""
    command = ["gcovr", "--root", top, "--object-directory", build, build,
               "--json-summary", "--gcov-ignore-parse-errors"]
    for folder in LEAST:
        command += ["--filter", os.path.join(top, folder) + "/"]
    done = subprocess.run(command, cwd=build, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"gcovr: {done.stderr}")
    return json.loads(done.stdout)["files"]


def percent(covered, total):
    return 100 * covered / total if total else 100


def line(name, rows):
    """Print a line of the table; the two figures in it."""
    figures = [percent(sum(row[f"{what}_covered"] for row in rows),
                       sum(row[f"{what}_total"] for row in rows))
               for what in ("line", "branch")]
    print(f"{name:28} {figures[0]:6.1f} {figures[1]:9.1f}")
    return figures


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    arguments.add_argument("top")
    arguments.add_argument("build")
    given = arguments.parse_args()
    files = measure(os.path.realpath(given.top), os.path.realpath(given.build))
    print(f"{'':28} lines %  branches %")
    short = []
    for folder, least in LEAST.items():
        rows = [row for row in files
                if os.path.dirname(row["filename"]) == folder]
        for row in rows:
            line(row["filename"], [row])
        if not rows:
            short.append(f"{folder}: nothing was measured")
        for figure, must, what in zip(line(f"{folder} in all", rows), least,
                                      ("lines", "branches")):
            if figure < must:
                short.append(f"{folder}: {figure:.1f} % of {what}, "
                             f"at least {must} % must be")
    for text in short:
        print(f"FAIL  coverage {text}")
    if not short:
        print("PASS  coverage")
    sys.exit(1 if short else 0)


if __name__ == "__main__":
    main()

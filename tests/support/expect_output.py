"""Runs a program and holds what it prints to a file: expect_output.py PROGRAM
EXPECTED. For examples, whose output is part of what they teach.

SPDX-License-Identifier: MIT
"""

import difflib
import pathlib
import subprocess
import sys


def main(program, expected_file):
    expected = pathlib.Path(expected_file).read_text()
    result = subprocess.run([program], capture_output=True, text=True,
                            timeout=60)
    if result.returncode != 0:
        print(f"{program} ended with {result.returncode}\n{result.stderr}")
        return 1
    difference = list(difflib.unified_diff(
        expected.splitlines(keepends=True),
        result.stdout.splitlines(keepends=True), expected_file, program))
    sys.stdout.writelines(difference)
    return 1 if difference else 0


sys.exit(main(*sys.argv[1:]))

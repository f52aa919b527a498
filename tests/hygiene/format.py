"""The sources look as clang-format 19 has them.

    format.py [--fix] [--root ROOT | FILE...]

Skipped (exit status 77) where there is no clang-format of that version: others
break lines differently.

SPDX-License-Identifier: MIT
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

import tree

VERSION = 19


def clang_format():
    """The program, or None."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        if shutil.which(name):
            told = subprocess.run([name, "--version"], capture_output=True,
                                  text=True).stdout
            if re.search(rf"version {VERSION}\.", told):
                return name
    return None


def misformatted(program, files):
    """Those of the files that clang-format would change."""
    told = subprocess.run(
        [program, "--dry-run", "-Werror", "--ferror-limit=1", *files],
        capture_output=True, text=True).stderr
    return sorted(set(re.findall(r"^(.+?):\d+:\d+: error", told,
                                 re.MULTILINE)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fix", action="store_true",
                        help="rewrite the files instead of naming them")
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).parents[2])
    parser.add_argument("files", nargs="*", metavar="FILE")
    arguments = parser.parse_args()

    program = clang_format()
    if program is None:
        print(f"there is no clang-format {VERSION} here")
        return 77
    files = arguments.files or [
        str(arguments.root / source.path)
        for source in tree.Tree.read(arguments.root).cpp()]
    if arguments.fix:
        return subprocess.run([program, "-i", *files]).returncode
    wrong = misformatted(program, files)
    for file in wrong:
        print(f"{file}:1: not formatted: run ./dev format")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""The sources as the guards in this folder read them.

A guard is a program: `GUARD.py ROOT` prints what it found, one `file:line:
what, and what to do` each, and ends with status 1 if that was anything. What
it looks for is written as a function of a Tree, so that its own test can plant
a violation in a made-up tree and see that it is found.

SPDX-License-Identifier: MIT
"""

import pathlib
import re
import sys

LAYERS = ("reactor", "runtime", "sync", "net", "fs")
FOLDERS = LAYERS + ("tests", "bench", "examples", "docs", "subprojects", ".ci")

TOKEN = re.compile(r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
  | R"(?P<fence>[^(\s]*)\( .*? \)(?P=fence)"
  | "(?:\\.|[^"\\\n])*"
  | (?<![0-9A-Za-z])'(?:\\.|[^'\\\n])+'
""", re.DOTALL | re.VERBOSE)


def blank(text):
    """As much white space, on as many lines."""
    return re.sub(r"[^\n]", " ", text)


class Source:
    """One file, as text and as text without what compilers do not read."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        # Without comments; and without what is in quotation marks either.
        # Both keep every character in its line and column.
        self.statements = TOKEN.sub(
            lambda t: blank(t[0]) if t["comment"] else t[0], text)
        self.code = TOKEN.sub(
            lambda t: blank(t[0]) if t["comment"]
            else t[0][0] + blank(t[0][1:-1]) + t[0][-1], text)

    @property
    def folder(self):
        return self.path.split("/")[0]

    @property
    def is_cpp(self):
        return self.path.endswith((".h", ".cc"))

    @property
    def is_header(self):
        return self.path.endswith(".h")

    def lines(self):
        return self.text.splitlines()

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def at(self, offset, what):
        return f"{self.path}:{self.line_of(offset)}: {what}"

    def leading_comment(self):
        """The comment that the file begins with, its markers taken off."""
        comment = []
        for line in self.lines():
            if self.is_cpp:
                if not line.startswith("//"):
                    break
                comment.append(line[2:].strip())
            else:
                comment.append(line.lstrip("#").strip())
        return "\n".join(comment)


class Tree:
    """All files of the project by their paths: a dict of path to text."""

    def __init__(self, files):
        self.sources = {path: Source(path, text)
                        for path, text in sorted(files.items())}

    @classmethod
    def read(cls, root):
        root = pathlib.Path(root)
        paths = [path for path in root.iterdir() if path.is_file()]
        for folder in FOLDERS:
            paths += (root / folder).rglob("*")
        files = {}
        for path in paths:
            name = path.relative_to(root).as_posix()
            # Beside wraps lie the libraries that they brought.
            foreign = (name.startswith("subprojects/") and name.count("/") > 1
                       and not name.startswith("subprojects/packagefiles/"))
            if path.is_file() and not foreign and "__pycache__" not in name:
                files[name] = path.read_text(errors="replace")
        return cls(files)

    def cpp(self):
        return [source for source in self.sources.values() if source.is_cpp]

    def of_library(self):
        return [source for source in self.cpp() if source.folder in LAYERS]


def main(name, findings):
    """What every guard does when it is run as a program."""
    found = list(findings(Tree.read(sys.argv[1])))
    print("\n".join(found) or f"{name}: ok")
    return 1 if found else 0

"""Compiles a file that must not compile, and looks for the reason.

    expect_error.py FILE COMPILER ARGUMENT...

A line `// Says: REGEX` in the file is what the compiler must say; there may be
several. A file without one must compile: it shows that the others fail for
their own reason.

SPDX-License-Identifier: MIT
"""

import pathlib
import re
import subprocess
import sys

file, *command = sys.argv[1:]
reasons = re.findall(r"^// Says: (.*)$", pathlib.Path(file).read_text(),
                     re.MULTILINE)
ended = subprocess.run([*command, "-fsyntax-only", file], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
print(ended.stdout)
missing = [reason for reason in reasons
           if not re.search(reason, ended.stdout)]
if reasons and ended.returncode == 0:
    sys.exit(f"{file} compiles, and must not")
if not reasons and ended.returncode != 0:
    sys.exit(f"{file} does not compile, and must")
if missing:
    sys.exit(f"{file}: the compiler did not say: " + "; ".join(missing))

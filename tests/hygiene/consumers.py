"""Two ways to use weft from another project, tried on a small one.

    consumers.py ROOT BUILD

Installed: BUILD is installed into a folder of its own, and a project finds
weft.pc there. As a subproject: a project has weft below its subprojects/.
Each project is configured, built and run.

SPDX-License-Identifier: MIT
"""

import os
import pathlib
import shutil
import subprocess
import sys

PROGRAM = """
#include "absl/status/status.h"
#include "weft/net/address.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/mutex.h"

weft::Task<int> Add(int a, int b) {
  co_await weft::Yield();
  co_return a + b;
}

weft::Task<absl::Status> Main() {
  weft::sync::Mutex mutex;
  weft::sync::Mutex::Guard guard =
      co_await weft::OrReturn(mutex.Lock());
  const int sum = co_await Add(40, 2);
  const bool is_right = weft::net::Address::Loopback(0).is_ipv4() && sum == 42;
  co_return is_right ? absl::OkStatus() : absl::InternalError("wrong");
}

int main() { return weft::RunMain(Main); }
"""

BUILD = """
project('consumer', 'cpp', default_options: ['cpp_std=c++20'])
executable('consumer', 'consumer.cc', dependencies: dependency('weft'{}))
"""


def run(*command, **options):
    """Runs a command; when it fails, says with what words, and ends."""
    ended = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           **options)
    if ended.returncode != 0:
        print(ended.stdout)
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return ended.stdout


def try_project(folder, arguments, environment):
    (folder / "consumer.cc").write_text(PROGRAM)
    run("meson", "setup", folder / "build", folder, *arguments,
        env=environment)
    run("ninja", "-C", folder / "build",
        f"-j{os.environ.get('WEFT_JOBS', '2')}", "consumer", env=environment)
    run(folder / "build/consumer")


def installed(root, build, folder, environment):
    # Not the build's own prefix: nothing outside `folder` is written to.
    stage = folder / "stage"
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", stage)
    (description,) = stage.rglob("weft.pc")
    missing = [path.relative_to(root).as_posix()
               for layer in ("reactor", "runtime", "sync", "net", "fs")
               for path in (root / layer).rglob("*.h")
               if not list(stage.rglob(
                   f"include/weft/{path.relative_to(root)}"))]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")

    prefix = description.read_text().split("prefix=", 1)[1].splitlines()[0]
    text = description.read_text().replace(
        f"prefix={prefix}", f"prefix={stage}{prefix}")
    description.write_text(text)
    project = folder / "with_installed"
    project.mkdir()
    (project / "meson.build").write_text(BUILD.format(""))
    try_project(project, [f"-Dpkg_config_path={description.parent}"],
                environment)


def as_subproject(root, folder, environment):
    project = folder / "with_subproject"
    (project / "subprojects").mkdir(parents=True)
    (project / "subprojects/weft").symlink_to(root)
    (project / "meson.build").write_text(BUILD.format(", fallback: 'weft'"))
    try_project(project, ["--force-fallback-for=weft"], environment)


def main():
    root, build = map(pathlib.Path, sys.argv[1:])
    environment = dict(os.environ)
    if shutil.which("ccache"):
        compiler = shutil.which("g++-12") or "c++"
        environment.setdefault("CXX", f"ccache {compiler}")
    # Always the same folder, so that the cache knows its objects again.
    folder = build / "consumers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    installed(root, build, folder, environment)
    as_subproject(root, folder, environment)
    print("consumers: ok")


if __name__ == "__main__":
    main()

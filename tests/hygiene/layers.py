"""No layer includes upward, and each is ignorant of what it should be.

docs/architecture.md holds the table; this guard holds the code to it. If it
fails, move the code. Changing the table is a design decision, reviewed as one.

SPDX-License-Identifier: MIT
"""

import re
import sys

import tree

TABLE = "docs/architecture.md"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"weft/([^"]+)"|<([^>]+)>)',
                     re.MULTILINE)
ONLY_IN = {  # What one file may see; and the shim, and bare floors in bench.
    "sys/epoll.h": ("reactor/epoll_poller.cc", "tests/support/kqueue_shim/",
                    "bench/"),
    "sys/event.h": ("reactor/kqueue_poller.cc",
                    "reactor/kqueue_file_changes.cc",
                    "tests/support/kqueue_shim/"),
}
NEVER_IN = {  # What a layer is ignorant of, on purpose.
    "reactor": {"coroutine"},
    "runtime": {"sys/socket.h", "netinet/in.h"},
    "sync": {"unistd.h", "fcntl.h", "sys/socket.h"},
}


def read_table(text):
    """Layer to the set of layers that it may include."""
    block = re.search(r"```layers\n(.*?)```", text, re.DOTALL).group(1)
    lines = (line.split(":") for line in block.splitlines() if line.strip())
    return {name.strip(): set(allowed.split()) for name, allowed in lines}


def layer_of(path, table):
    """The innermost layer that a file belongs to, or None."""
    homes = [layer for layer in table if path.startswith(layer + "/")]
    return max(homes, key=len, default=None)


def findings(files):
    table = read_table(files.sources[TABLE].text)
    for source in files.cpp():
        # tests/sync/ and bench/sync/ see what sync/ sees.
        layer = layer_of(
            re.sub(r"^(tests|bench)/", "", source.path), table)
        for include in INCLUDE.finditer(source.statements):
            ours, systems = include.groups()
            if ours:
                into = layer_of(ours, table)
                if layer and into not in table[layer] | {layer, None}:
                    yield source.at(include.start(), (
                        f"{layer} may not include {into} ({ours}): move the "
                        f"code up, or what it needs down ({TABLE})"))
                owner = ours.split("/internal/")[0]
                if "/internal/" in ours and owner != layer and (
                        source.folder not in ("tests", "bench")):
                    yield source.at(include.start(), (
                        f"{ours} is private to {owner}: use a public header"))
            elif systems in ONLY_IN:
                if not source.path.startswith(ONLY_IN[systems]):
                    yield source.at(include.start(), (
                        f"<{systems}> belongs in {ONLY_IN[systems][0]} only"))
            elif source.folder == layer and systems in NEVER_IN.get(layer, ()):
                yield source.at(include.start(), (
                    f"{layer} knows no <{systems}>: this belongs to another "
                    "layer"))


if __name__ == "__main__":
    sys.exit(tree.main("layers", findings))

"""Does the guard of the layers see what it must?

SPDX-License-Identifier: MIT
"""

import unittest

import layers
from tree import Tree

TABLE = {"docs/architecture.md": """
```layers
reactor:
runtime: reactor
net:     runtime reactor
net/tls: net runtime
```
"""}


def findings(path, text):
    return list(layers.findings(Tree({**TABLE, path: text})))


class LayersTest(unittest.TestCase):
    def test_an_include_of_a_lower_layer_is_fine(self):
        self.assertEqual([], findings(
            "net/a.cc", '#include "weft/reactor/fd.h"\n#include <vector>\n'))

    def test_an_upward_include_is_found_with_its_line(self):
        found = findings("reactor/a.h", '\n#include "weft/net/stream.h"\n')
        self.assertEqual(1, len(found))
        self.assertIn("reactor/a.h:2: reactor may not include net", found[0])

    def test_a_layer_that_the_table_does_not_allow_is_found(self):
        self.assertEqual(1, len(findings(
            "net/tls/a.h", '#include "weft/reactor/fd.h"\n')))

    def test_a_part_within_a_layer_is_a_layer_of_its_own(self):
        self.assertEqual(1, len(findings(
            "net/a.h", '#include "weft/net/tls/context.h"\n')))
        self.assertEqual([], findings(
            "net/tls/a.h", '#include "weft/net/stream.h"\n'))

    def test_tests_and_benchmarks_keep_to_their_layer(self):
        for folder in "tests", "bench":
            self.assertEqual(1, len(findings(
                f"{folder}/runtime/a.cc", '#include "weft/net/stream.h"\n')))

    def test_private_headers_stay_in_their_layer(self):
        text = '#include "weft/runtime/internal/job.h"\n'
        self.assertEqual(1, len(findings("net/a.h", text)))
        self.assertEqual(1, len(findings("examples/a.cc", text)))
        self.assertEqual([], findings("runtime/a.h", text))
        self.assertEqual([], findings("tests/runtime/a.cc", text))

    def test_each_event_queue_has_one_home(self):
        self.assertEqual(1, len(findings(
            "reactor/reactor.cc", "#include <sys/epoll.h>\n")))
        self.assertEqual([], findings(
            "reactor/epoll_poller.cc", "#include <sys/epoll.h>\n"))

    def test_the_reactor_knows_no_coroutine(self):
        self.assertEqual(1, len(findings(
            "reactor/a.h", "#include <coroutine>\n")))

    def test_comments_are_not_read(self):
        self.assertEqual([], findings(
            "reactor/a.h", '// #include "weft/net/stream.h"\n'))


if __name__ == "__main__":
    unittest.main()

"""The echo example and those who talk to it: nc, socat and curl.

SPDX-License-Identifier: MIT
"""

import unittest

import programs
from programs import NC, Example, Program


class EchoTest(unittest.TestCase):
    def test_nc_hears_what_it_says_and_then_the_end(self):
        with Example("echo", "127.0.0.1:0") as echo, \
                Program(NC, "-N", *echo.host_and_port) as nc:
            for word in ("warp\n", "weft\n"):
                nc.say(word)
                self.assertEqual(word, nc.output.line())
            nc.end_input()
            self.assertEqual("", nc.output.rest())
            self.assertEqual(0, nc.ended())

    def test_socat_and_curl_hear_what_they_say(self):
        with Example("echo", "[::1]:0") as echo:
            _, port = echo.host_and_port
            for peer in (("socat", "-", f"TCP6:[::1]:{port}"),
                         ("curl", "-sN", f"telnet://[::1]:{port}")):
                with self.subTest(peer[0]), Program(*peer) as program:
                    program.say("warp\n")
                    if peer[0] == "curl":
                        program.end_input()  # It listens behind that only.
                    self.assertEqual("warp\n", program.output.line())

    def test_all_of_64_megabytes_comes_back(self):
        with Example("echo", "127.0.0.1:0") as echo:
            self.assertTrue(programs.comes_back(
                64 << 20, NC, "-N", *echo.host_and_port))

    def test_who_never_reads_costs_no_memory_and_nobody_else(self):
        with Example("echo", "127.0.0.1:0") as echo, \
                Program("socat", "-u", "-", f"TCP:{echo.address}") as deaf, \
                Program(NC, *echo.host_and_port) as nc:
            nc.say("before\n")
            self.assertEqual("before\n", nc.output.line())
            before = echo.peak_memory()

            self.assertLess(deaf.flood(256 << 20), 256 << 20)

            nc.say("after\n")
            self.assertEqual("after\n", nc.output.line())
            self.assertLess(echo.peak_memory() - before, 16 << 20)

    def test_who_resets_ends_nobody_else(self):
        with Example("echo", "127.0.0.1:0") as echo, \
                Program(NC, *echo.host_and_port) as nc:
            with Program("socat", "-t0", "-",
                         f"TCP:{echo.address},linger=0") as rude:
                rude.say("warp\n")
                self.assertEqual("warp\n", rude.output.line())
                rude.end_input()
                self.assertEqual(0, rude.ended())

            nc.say("weft\n")
            self.assertEqual("weft\n", nc.output.line())

    def test_an_interrupt_ends_it_and_its_conversations(self):
        with Example("echo", "127.0.0.1:0") as echo, \
                Program(NC, *echo.host_and_port) as nc:
            nc.say("warp\n")
            self.assertEqual("warp\n", nc.output.line())

            echo.interrupt()

            self.assertEqual(0, echo.ended())
            nc.end_input()
            self.assertEqual("", nc.output.rest())
            self.assertEqual(0, nc.ended())


if __name__ == "__main__":
    programs.main()

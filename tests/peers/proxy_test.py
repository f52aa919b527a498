"""The proxy example between programs that are not ours.

SPDX-License-Identifier: MIT
"""

import contextlib
import hashlib
import pathlib
import re
import socket
import struct
import sys
import tempfile
import unittest

import programs
from programs import NC, Example, Program

RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # struct linger.


def listening(program, said):
    """The port that a program has told of, in a line that matches."""
    while line := program.errors.line():
        if found := re.search(said, line):
            return found[1]
    raise AssertionError(f"it never said {said!r}")


def socat(*arguments):
    """One whose last address listens: with -d -d it says where."""
    program = Program("socat", "-d", "-d", "-t60", *arguments)
    return program, listening(program, r"listening on .*:(\d+)")


class ProxyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def keep(self, program):
        self.addCleanup(program.stop)
        return program

    def proxy_to(self, target, *options):
        return self.keep(Example("proxy", "127.0.0.1:0", target, *options))

    def proxy_to_echo(self):
        echo = self.keep(Example("echo", "127.0.0.1:0"))
        return self.proxy_to(echo.address)

    def proxy_to_socket(self, *options):
        """With a socket of ours behind it, which has not accepted yet."""
        target = socket.create_server(("127.0.0.1", 0))
        target.settimeout(programs.LIMIT)
        self.addCleanup(target.close)
        return target, self.proxy_to(
            f"127.0.0.1:{target.getsockname()[1]}", *options)

    def connection_to(self, proxy):
        client = socket.create_connection(proxy.host_and_port, programs.LIMIT)
        self.addCleanup(client.close)
        return client

    def test_curl_loads_64_megabytes_of_a_server_that_has_a_name(self):
        expected = programs.noise(self.folder / "cloth", 64 << 20)
        server = self.keep(Program(
            sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1",
            "--directory", self.folder, "0"))
        port = re.search(r"port (\d+)", server.output.line())[1]
        # The name may lead to ::1 as well, where nobody listens.
        proxy = self.proxy_to(f"localhost:{port}")
        for _ in range(2):
            with Program("curl", "-sf", "-o", self.folder / "got",
                         f"http://{proxy.address}/cloth") as curl:
                self.assertEqual(0, curl.ended())
            self.assertEqual(expected,
                             programs.hash_of(self.folder / "got"))

    def test_64_megabytes_pass_both_ways_at_a_time(self):
        proxy = self.proxy_to_echo()
        self.assertTrue(programs.comes_back(
            64 << 20, NC, "-N", *proxy.host_and_port))

    def test_who_has_said_all_still_hears_the_answer(self):
        # sha256sum answers when its input has ended, and not before.
        target, port = socat("TCP-LISTEN:0,bind=127.0.0.1", "SYSTEM:sha256sum")
        self.keep(target)
        proxy = self.proxy_to(f"127.0.0.1:{port}")
        with Program(NC, "-N", *proxy.host_and_port) as nc:
            nc.say("weft")
            nc.end_input()
            self.assertEqual(hashlib.sha256(b"weft").hexdigest() + "  -\n",
                             nc.output.rest())
            self.assertEqual(0, nc.ended())

    def test_who_has_been_told_all_can_still_answer(self):
        target, port = socat("-", "TCP-LISTEN:0,bind=127.0.0.1")
        self.keep(target)
        proxy = self.proxy_to(f"127.0.0.1:{port}")
        client = self.connection_to(proxy)
        target.say("that was all\n")
        target.end_input()

        heard = client.makefile().read()
        client.sendall(b"answer\n")
        client.shutdown(socket.SHUT_WR)

        self.assertEqual("that was all\n", heard)
        self.assertEqual("answer\n", target.output.rest())
        self.assertEqual(0, target.ended())

    def test_a_reset_of_either_side_reaches_the_other(self):
        target, proxy = self.proxy_to_socket()
        for client_resets in (True, False):
            with self.subTest(client_resets=client_resets):
                client = self.connection_to(proxy)
                accepted, _ = target.accept()
                accepted.settimeout(programs.LIMIT)
                accepted.sendall(b"x")
                self.assertEqual(b"x", client.recv(1))
                one, other = ((client, accepted) if client_resets
                              else (accepted, client))

                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               RESET_AT_CLOSE)
                one.close()

                with self.assertRaises(ConnectionResetError):
                    other.recv(1)
                other.close()
                self.assertIn("UNAVAILABLE", proxy.errors.line())

    def test_a_connection_through_which_nothing_comes_is_reset(self):
        target, proxy = self.proxy_to_socket("1")
        client = self.connection_to(proxy)
        accepted, _ = target.accept()
        accepted.settimeout(programs.LIMIT)
        accepted.sendall(b"x")
        self.assertEqual(b"x", client.recv(1))

        for end in client, accepted:
            with self.assertRaises(ConnectionResetError):
                end.recv(1)

        accepted.close()
        self.assertIn("nothing has come through for 1s", proxy.errors.line())

    def test_who_does_not_take_what_was_sent_is_reset_as_well(self):
        target, proxy = self.proxy_to_socket("1")
        with Program("socat", "-u", "-", f"TCP:{proxy.address}") as client:
            deaf, _ = target.accept()
            self.addCleanup(deaf.close)

            # It may be reset, and have ended, while it is still written to.
            with contextlib.suppress(BrokenPipeError):
                client.flood(256 << 20)

            self.assertIn("nothing has come through", proxy.errors.line())

    def test_a_target_that_refuses_ends_only_who_wanted_it(self):
        target, proxy = self.proxy_to_socket()
        port = target.getsockname()[1]
        target.close()
        with Program(NC, *proxy.host_and_port) as nc:
            self.assertEqual("", nc.output.rest())
        self.assertIn("Connection refused", proxy.errors.line())

        back = socket.create_server(("127.0.0.1", port))
        with back, Program(NC, *proxy.host_and_port):
            back.settimeout(programs.LIMIT)
            back.accept()[0].close()

    def test_a_target_that_does_not_answer_is_given_up(self):
        # Nobody accepts, and more than are in its queue get no answer.
        target = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(target.close)
        first = socket.create_connection(target.getsockname())
        self.addCleanup(first.close)
        proxy = self.proxy_to(f"127.0.0.1:{target.getsockname()[1]}")
        with Program(NC, *proxy.host_and_port) as nc:
            self.assertEqual("", nc.output.rest())
        self.assertIn("DEADLINE_EXCEEDED", proxy.errors.line())

    def test_who_never_reads_costs_no_memory_and_nobody_else(self):
        target, proxy = self.proxy_to_socket()
        other = self.connection_to(proxy)
        other_end, _ = target.accept()
        before = proxy.peak_memory()
        with Program("socat", "-u", "-", f"TCP:{proxy.address}") as client:
            deaf, _ = target.accept()

            self.assertLess(client.flood(256 << 20), 256 << 20)

            other.sendall(b"x")
            self.assertEqual(b"x", other_end.recv(1))
            self.assertLess(proxy.peak_memory() - before, 16 << 20)
            deaf.close()
        other_end.close()

    def test_an_interrupt_lets_those_who_are_there_come_to_their_end(self):
        proxy = self.proxy_to_echo()
        with Program(NC, "-N", *proxy.host_and_port) as nc:
            nc.say("warp\n")
            self.assertEqual("warp\n", nc.output.line())

            proxy.interrupt()

            nc.say("weft\n")
            self.assertEqual("weft\n", nc.output.line())
            nc.end_input()
            self.assertEqual("", nc.output.rest())
            self.assertEqual(0, nc.ended())
            self.assertEqual(0, proxy.ended())


if __name__ == "__main__":
    programs.main()

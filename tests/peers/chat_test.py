"""The chat example with guests that come by nc, socat and curl.

SPDX-License-Identifier: MIT
"""

import pathlib
import subprocess
import tempfile
import unittest

import programs
from programs import NC, Example, Program

QUESTION = "* what is your name?\n"


class ChatTest(unittest.TestCase):
    def setUp(self):
        self.chat = Example("chat", "127.0.0.1:0")
        self.addCleanup(self.chat.stop)

    def enter(self, name, *command):
        guest = Program(*command)
        self.addCleanup(guest.stop)
        guest.say(f"{name}\n")
        return guest

    def guest(self, name, *command):
        """One that has been asked for its name, has given it, and is in."""
        nc = (NC, "-N", *self.chat.host_and_port)
        guest = self.enter(name, *(command or nc))
        self.assertEqual(QUESTION, guest.output.line())
        self.assertEqual(f"* {name} has come\n", guest.output.line())
        return guest

    def test_all_hear_what_one_says(self):
        ada = self.guest("ada")
        bob = self.guest("bob", "socat", "-", f"TCP:{self.chat.address}")
        eve = self.enter("eve", "curl", "-sN", f"telnet://{self.chat.address}")
        eve.end_input()  # While curl reads one it does not listen.
        ada.output.skip_to("eve has come")

        for name, guest in (("ada", ada), ("bob", bob)):
            guest.say(f"hello from {name}\n")
            for hears in (ada, bob, eve):
                self.assertEqual(f"{name}: hello from {name}\n",
                                 hears.output.skip_to(f"{name}:"))

    def test_those_who_come_and_leave_are_announced(self):
        ada = self.guest("ada")
        bob = self.guest("bob")
        self.assertEqual("* bob has come\n", ada.output.line())

        bob.end_input()
        self.assertEqual("* bob has left\n", ada.output.line())
        self.assertEqual("", bob.output.rest())
        self.assertEqual(0, bob.ended())

        # By a reset.
        with Program("socat", "-t0", "-",
                     f"TCP:{self.chat.address},linger=0") as rude:
            rude.say("eve\n")
            self.assertEqual("* eve has come\n", ada.output.line())
            rude.end_input()
            self.assertEqual("* eve has left\n", ada.output.line())

    def test_no_guest_controls_the_terminal_of_another(self):
        ada = self.guest("ada")

        ada.say("\x1b[2Jcl\x07ear\r\n")

        self.assertEqual("ada: [2Jclear\n", ada.output.line())

    def test_who_does_not_listen_is_shown_out(self):
        ada = self.guest("ada")
        # Nobody reads what it prints, and so it reads nothing.
        self.enter("mute", "socat", "-",
                   f"TCP:{self.chat.address},rcvbuf=4096")
        self.assertEqual("* mute has come\n", ada.output.line())
        before = self.chat.peak_memory()

        # Ten megabytes, and each line when she has heard the one before: so
        # that nobody misses any who listens.
        lines = iter(10_000 * [1000 * "x" + "\n"])
        ada.say(next(lines))
        while (heard := ada.output.line()) != "* mute has left\n":
            self.assertEqual("ada: ", heard[:5])
            ada.say(next(lines, ""))
        self.assertLess(self.chat.peak_memory() - before, 8 << 20)

    def test_a_flood_costs_no_memory(self):
        ada = self.guest("ada")
        before = self.chat.peak_memory()
        with tempfile.TemporaryDirectory() as folder:
            flood = pathlib.Path(folder, "flood")
            flood.write_text("flood\n" + 64_000 * (1000 * "x" + "\n"))
            with flood.open() as source, \
                    Program(NC, "-N", *self.chat.host_and_port, stdin=source,
                            stdout=subprocess.DEVNULL) as nc:
                self.assertEqual("* flood has left\n",
                                 ada.output.skip_to("flood has left"))
                self.assertEqual(0, nc.ended())
        self.assertLess(self.chat.peak_memory() - before, 16 << 20)

    def test_an_interrupt_closes_the_room(self):
        ada = self.guest("ada")
        with Program(NC, *self.chat.host_and_port) as nameless:
            self.assertEqual(QUESTION, nameless.output.line())

            self.chat.interrupt()

            self.assertEqual(0, self.chat.ended())
            for guest in (ada, nameless):
                guest.end_input()
                self.assertEqual("* the room closes\n", guest.output.rest())


if __name__ == "__main__":
    programs.main()

"""The tail example, on files that a shell and mv change, a pipe and a terminal.

SPDX-License-Identifier: MIT
"""

import pathlib
import subprocess
import tempfile
import unittest

import programs
from programs import Program, example


class TailTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name, "log")
        self.shell("seq 1 100 >log")

    def shell(self, command):
        subprocess.run(["sh", "-ec", command], check=True,
                       cwd=self.log.parent)

    def tail_after_its_first_lines(self):
        """One that has printed what there was: it watches by then."""
        tail = Program(example("tail"), self.log, 3)
        self.addCleanup(tail.stop)
        self.assertEqual("98\n99\n100\n",
                         "".join(tail.output.line() for _ in range(3)))
        return tail

    def test_follows_what_is_appended(self):
        tail = self.tail_after_its_first_lines()

        for number in range(3):
            self.shell(f"echo {number} >>log; printf half >>log; echo >>log")
            self.assertEqual(f"{number}\n", tail.output.line())
            self.assertEqual("half\n", tail.output.line())

    def test_follows_the_name_when_the_file_is_rotated(self):
        tail = self.tail_after_its_first_lines()

        # Whoever has the old one open still writes to it, at the very moment
        # at which the new one appears.
        for number in range(50):
            self.shell(f"exec 3>>log; mv log log.{number}; echo last >&3; "
                       f"echo first >log")
            self.assertEqual("last\n", tail.output.line())
            self.assertEqual("first\n", tail.output.line())

    def test_follows_the_old_file_until_the_new_one_is_written(self):
        # A server is told to open its log again only after it was rotated.
        tail = self.tail_after_its_first_lines()
        with self.log.open("a") as old:
            self.shell("mv log log.0; : >log")
            self.assertEqual("tail: the file was replaced\n",
                             tail.errors.line())

            for line in "late\n", "later\n":
                print(line, end="", file=old, flush=True)
                self.assertEqual(line, tail.output.line())

        self.shell("echo first >>log")
        self.assertEqual("first\n", tail.output.line())

    def test_follows_the_name_when_another_file_is_put_there(self):
        tail = self.tail_after_its_first_lines()

        self.shell("echo new >other; mv other log")
        self.assertEqual("new\n", tail.output.line())
        self.shell("rm log; echo newer >log")
        self.assertEqual("newer\n", tail.output.line())

    def test_begins_anew_when_the_file_is_cut_off(self):
        tail = self.tail_after_its_first_lines()

        self.shell("cp log copy; : >log")
        self.assertEqual("tail: the file was cut off\n", tail.errors.line())
        self.shell("echo anew >>log")
        self.assertEqual("anew\n", tail.output.line())

    def test_waits_for_a_file_that_is_not_there(self):
        self.shell("rm log")
        with Program(example("tail"), self.log) as tail:
            # It may look before or after this: both show all of it.
            self.shell("echo born >log")
            self.assertEqual("born\n", tail.output.line())

    def test_an_interrupt_ends_it(self):
        tail = self.tail_after_its_first_lines()

        tail.interrupt()

        self.assertEqual(0, tail.ended())
        self.assertEqual("", tail.output.rest() + tail.errors.rest())

    def test_an_interrupt_ends_it_when_nobody_reads_what_it_prints(self):
        # A hundred times what the pipe holds.
        self.shell("head -c 6500000 /dev/zero | tr '\\0' '\\n' >log")
        with Program(example("tail"), self.log, 10_000_000) as tail:
            programs.wait_until_ready(tail.output.pipe, "read")

            tail.interrupt()

            self.assertEqual(0, tail.ended())

    def test_ends_when_the_reader_of_its_pipe_has(self):
        tail = self.tail_after_its_first_lines()

        tail.output.pipe.close()
        self.shell("echo for nobody >>log")

        self.assertIn("Broken pipe", tail.errors.rest())
        self.assertEqual(1, tail.ended())

    def test_the_keys_of_a_terminal_end_it(self):
        with Program("socat", "-",
                     f"EXEC:{example('tail')} {self.log} 2,"
                     "pty,setsid,ctty,echo=0") as terminal:
            self.assertEqual("99\r\n", terminal.output.line())
            self.assertEqual("100\r\n", terminal.output.line())
            self.shell("echo 101 >>log")
            self.assertEqual("101\r\n", terminal.output.line())

            terminal.say("\x03")

            self.assertEqual("", terminal.output.rest())
            self.assertEqual(0, terminal.ended())


if __name__ == "__main__":
    programs.main()

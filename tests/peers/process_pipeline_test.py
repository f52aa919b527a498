"""The process_pipeline example, with the programs of every shell.

SPDX-License-Identifier: MIT
"""

import collections
import pathlib
import random
import shlex
import tempfile
import unittest

import programs
from programs import Program, example


def pipeline(words, **streams):
    """`words` as a shell would read them, but for its bars, which it needs
    spaces around."""
    return Program(example("process_pipeline"), *shlex.split(words), **streams)


class ProcessPipelineTest(unittest.TestCase):
    def test_counts_words_as_a_shell_does(self):
        chance = random.Random(1)
        words = [f"thread{chance.randrange(100)}" for _ in range(100_000)]
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder, "text")
            text.write_text("\n".join(words) + "\n")
            with text.open() as source, pipeline(
                    "cat | sort | uniq -c | sort -k1,1nr -k2,2 | head -n 5",
                    stdin=source) as counting:
                printed = counting.output.rest()
                self.assertEqual(0, counting.ended())
        counts = collections.Counter(words).items()
        expected = sorted(counts, key=lambda item: (-item[1], item[0]))[:5]
        self.assertEqual([[str(count), word] for word, count in expected],
                         [line.split() for line in printed.splitlines()])

    def test_a_program_without_an_end_ends_with_its_reader(self):
        with pipeline("yes | head -n 3") as endless:
            self.assertEqual("y\ny\ny\n", endless.output.rest())
            self.assertEqual(0, endless.ended())

    def test_passes_on_what_comes_and_that_it_ends(self):
        with pipeline("sort | tr a-z A-Z") as upper:
            upper.say("weft\nwarp\n")
            upper.end_input()
            self.assertEqual("WARP\nWEFT\n", upper.output.rest())
            self.assertEqual(0, upper.ended())

    def test_says_what_went_wrong(self):
        for words, said in (("true | no-such-program | cat", "no-such-program"),
                            ("cat /dev/null | false", "exit code 1"),
                            ("true | sh -c 'kill -9 $$'", "signal 9")):
            with self.subTest(words), pipeline(words) as failing:
                self.assertIn(said, failing.errors.rest())
                self.assertEqual(1, failing.ended())

    def test_an_interrupt_ends_it_and_what_it_has_started(self):
        with pipeline("cat | sh -c 'echo started >&2; exec cat'") as waiting:
            self.assertEqual("started\n", waiting.errors.line())

            waiting.interrupt()

            self.assertEqual(0, waiting.ended())
            # Its error stream was theirs, too: nobody has it any more.
            self.assertEqual("", waiting.errors.rest())


if __name__ == "__main__":
    programs.main()

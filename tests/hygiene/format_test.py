"""Does the format guard see a file that is not formatted?

SPDX-License-Identifier: MIT
"""

import pathlib
import shutil
import tempfile
import unittest

import format as guard

PROGRAM = guard.clang_format()


@unittest.skipUnless(PROGRAM, "there is no clang-format of the right version")
class FormatTest(unittest.TestCase):
    def test_names_the_files_that_would_change(self):
        with tempfile.TemporaryDirectory() as folder:
            good = pathlib.Path(folder, "good.cc")
            bad = pathlib.Path(folder, "bad.cc")
            good.write_text("int a;\n")
            bad.write_text("int   a ;\n")
            self.assertEqual([str(bad)], guard.misformatted(
                PROGRAM, [str(good), str(bad)]))

    def test_leaves_a_drawing_in_a_comment_alone(self):
        root = pathlib.Path(__file__).parents[2]
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(root / ".clang-format", folder)
            drawn = pathlib.Path(folder, "drawn.cc")
            drawn.write_text("//   one  -->  " + " a word" * 12 + "\n"
                             "//   two  -->  another\n")
            self.assertEqual([], guard.misformatted(PROGRAM, [str(drawn)]))


if __name__ == "__main__":
    unittest.main()

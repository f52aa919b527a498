"""Does the guard of the documents see what is missing or no longer true?

SPDX-License-Identifier: MIT
"""

import unittest

import docs
from tree import Tree

LICENSE = "SPDX-License-Identifier: MIT"


def found(rule, files):
    return list(rule(Tree(files)))


class PurposeTest(unittest.TestCase):
    def finds(self, times, path, text):
        self.assertEqual(times, len(found(docs.begins_with_its_purpose,
                                          {path: text})), text)

    def test_sources_say_what_they_are_and_their_license(self):
        self.finds(0, "net/a.h",
                   f"// What it is.\n//\n// {LICENSE}\n\nint a;\n")
        self.finds(1, "net/a.h", "// What it is.\n\nint a;\n")
        self.finds(2, "net/a.h", "int a;\n")
        self.finds(1, "net/a.h", f"// {LICENSE}\n\nint a;\n")
        self.finds(2, "net/a.h", f"// {LICENSE}\n// What it is.\nint a;\n")

    def test_scripts_too(self):
        self.finds(0, "tests/a.py", f'"""What it is.\n\n{LICENSE}\n"""\n')
        self.finds(2, "tests/a.py", "import sys\n")
        self.finds(0, "dev", f"#!/bin/sh\n# What it is.\n# {LICENSE}\nset -e\n")
        self.finds(1, "dev", "#!/bin/sh\n# What it is.\nset -e\n")
        self.finds(1, "net/meson.build", "a = 1\n")

    def test_peers_too(self):
        self.finds(0, "bench/peers/a/run",
                   f'#!/bin/python3\n"""What it is.\n\n{LICENSE}\n"""\n')
        self.finds(2, "bench/peers/a/run", "#!/bin/python3\nimport sys\n")
        self.finds(0, "bench/a.go", f"// What it is.\n//\n// {LICENSE}\n")
        self.finds(0, "bench/a.rs", f"//! What it is.\n//!\n//! {LICENSE}\n")
        self.finds(1, "bench/a.go", "// What it is.\n\npackage main\n")


class AwaitablesTest(unittest.TestCase):
    def finds(self, names, text, path="net/a.h"):
        messages = found(docs.awaitables_are_documented, {path: text})
        self.assertEqual(names, [m.split(": ")[1].split(" ")[0]
                                 for m in messages], text)

    def test_a_task_says_when_it_suspends_and_what_a_cancellation_does(self):
        said = "// Reads.\n//\n// Suspends: always.\n// Cancel: no effect.\n"
        self.finds([], said + "Task<int> Read(int fd);\n")
        self.finds(["Read"], "Task<int> Read(int fd);\n")
        self.finds(["Read"], "// Reads.\nTask<int> Read(int fd);\n")
        self.finds(["Read"], said.replace("Cancel", "Errors")
                   + "template <typename T>\nTask<int> Read(T fd);\n")

    def test_an_awaiter_does_too(self):
        type = 'class [[nodiscard("co_await it")]] Mutex::LockAwaiter {};\n'
        self.finds(["Lock"], type + "class Mutex {\n public:\n"
                                    "  LockAwaiter Lock() noexcept;\n")
        self.finds(["Try"], type + "LockAwaiter Try();\n")
        self.finds([], type + "// As Lock, of two.\nLockAwaiter Try();\n")

    def test_a_trailing_return_type_is_one_as_well(self):
        self.finds(["WithScope"],
                   "auto WithScope(Body body)\n    -> Task<int> {\n")

    def test_overloads_share_a_comment(self):
        self.finds([], "// Suspends: yes.\n// Cancel: no effect.\n"
                       "Task<int> Read(int fd);\nTask<int> Read(Fd fd);\n")
        self.finds(["Read"], "// Suspends: yes.\n// Cancel: no effect.\n"
                             "Task<int> Read(int fd);\n\n"
                             "Task<int> Read(Fd fd);\n")

    def test_what_is_not_public_need_not_say_it(self):
        self.finds([], "class A {\n public:\n  int a;\n\n private:\n"
                       "  Task<int> Read(int fd);\n};\n")
        self.finds([], "class A {\n  Task<int> Read(int fd);\n};\n")
        self.finds([], "namespace internal {\nTask<int> Read(int fd);\n"
                       "}  // namespace internal\n")
        self.finds([], "Task<int> Read(int fd);\n", "runtime/internal/a.h")
        self.finds([], "Task<int> Read(int fd) {}\n", "net/a.cc")

    def test_definitions_and_the_protocol_are_no_declarations(self):
        self.finds([], "inline Mutex::LockAwaiter Mutex::Lock() {\n")
        self.finds([], "  FinalAwaiter final_suspend() const noexcept;\n")
        self.finds([], "  explicit ReadAwaiter(Task<int> task);\n")


class QuotesTest(unittest.TestCase):
    SOURCE = "// region: echo\n  int a;\n  int b;\n// endregion\n"

    def finds(self, times, page, path="README.md"):
        self.assertEqual(times, len(found(
            docs.quoted_code_is_compiled_code,
            {"examples/echo.cc": self.SOURCE, path: page})), page)

    def test_a_quotation_is_what_the_file_says(self):
        good = ("<!-- region: examples/echo.cc echo -->\n"
                "```cpp\nint a;\nint b;\n```\n")
        self.finds(0, good)
        self.finds(1, good.replace("int b", "int c"))
        self.finds(1, good.replace("cc echo", "cc other"))
        self.finds(1, good.replace("echo.cc", "other.cc"))

    def test_a_quotation_is_filled_anew(self):
        page = ("Before.\n<!-- region: examples/echo.cc echo -->\n"
                "```cpp\nold\n```\nAfter.\n")
        files = Tree({"examples/echo.cc": self.SOURCE, "README.md": page})
        filled = docs.quoted_anew(files.sources["README.md"], files)
        self.assertEqual(page.replace("old", "int a;\nint b;"), filled)
        self.finds(0, filled)

    def test_code_that_nobody_compiles_is_found(self):
        code = "```cpp\nint a;\n```\n"
        self.finds(1, code)
        self.finds(1, code, "docs/guide.md")
        self.finds(0, code, "CONTRIBUTING.md")
        self.finds(0, "```sh\n./dev run\n```\n")


class LinksTest(unittest.TestCase):
    def finds(self, times, link):
        self.assertEqual(times, len(found(docs.links_lead_somewhere, {
            "docs/a.md": f"See [this]({link}).\n\n## What it is\n",
            "docs/decisions/0001.md": "# One: and two\n",
            "README.md": "", "net/stream.h": ""})), link)

    def test_links_lead_to_files_folders_and_headings(self):
        for link in ("decisions/0001.md", "../README.md", "../net/stream.h",
                     "../net/", "decisions/0001.md#one-and-two",
                     "#what-it-is", "https://example.org/"):
            self.finds(0, link)
        for link in ("0001.md", "README.md", "../fs/", "#what-it-was",
                     "decisions/0001.md#two"):
            self.finds(1, link)


class NamesTest(unittest.TestCase):
    HEADER = ("// Send and Receive, but not Close.\nclass Channel {\n"
              "  int Send();\n  int Receive();\n};\n")

    def finds(self, names, row, path="docs/guides/a.md"):
        messages = found(docs.names_are_in_their_headers, {
            path: f"| theirs | ours | in |\n|---|---|---|\n{row}\n",
            "sync/channel.h": self.HEADER, "sync/event.h": "class Event {};\n"})
        self.assertEqual(names, [m.split(": ")[1].split(" ")[0]
                                 for m in messages], row)

    def test_a_row_leads_to_the_headers_of_its_names(self):
        link = "[sync/channel.h](../../sync/channel.h)"
        both = f"{link}, [sync/event.h](../../sync/event.h)"
        self.finds([], f"| `Chan` | `Channel`, its `Send(value)` | {link} |")
        self.finds(["Event"], f"| `Chan` | `Channel`, `Event` | {link} |")
        self.finds([], f"| `Chan` | `Channel`, `Event` | {both} |")
        self.finds(["Close"], f"| `close` | its `Close` | {link} |")
        self.finds(["Channels"], f"| `Chan` | `Channels` | {link} |")
        self.finds(["Channel"], "| `Chan` | `Channel` | nowhere |")

    def test_what_is_no_name_of_ours_is_left_alone(self):
        self.finds([], "| `context` | nothing; `CANCELLED`, `co_await` | |")
        self.finds(["kFull"], "| `full` | `kFull` | |")
        self.finds([], "| `full` | `kFull` | |", "docs/performance.md")


if __name__ == "__main__":
    unittest.main()

"""Documents say what is there: comments, quoted code and links.

  * Every source begins with a sentence that says what it is, in a comment that
    ends with the line of its license.
  * Every public function that may suspend says when, in a line `Suspends:`,
    and what is true after a cancellation, in a line `Cancel:`.
  * Code in README.md and docs/ is quoted from a file that is compiled:

        <!-- region: examples/echo.cc echo -->
        ```cpp
        ...
        ```

    is what stands there between `// region: echo` and `// endregion`. With
    `docs.py ROOT --quote` the blocks are filled anew.
  * Links between documents lead somewhere.
  * In the tables of docs/guides, what a row calls a name of ours stands in
    a header that it leads to.

SPDX-License-Identifier: MIT
"""

import pathlib
import re
import sys
import textwrap

import tree

LICENSE = "SPDX-License-Identifier: MIT"
SCRIPTS = ("dev", ".ci/run")
# The types that are awaited say so; see also awaitables().
AWAITED = re.compile(
    r'\[\[nodiscard\("co_await it"\)\]\]\s+(?:\w+(?:<\w+>)?::)*(\w+)')
REGION = re.compile(r"<!-- region: (\S+) (\S+) -->\n+```\w*\n(.*?)^```",
                    re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
ROW = re.compile(r"^\|(.*)\|$", re.MULTILINE)
# A type, a function or a constant of ours; no status code, no keyword.
NAME = re.compile(r"\bk?[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*\b")


def is_peer(path):
    """Whether it is a program in Python that asks another runtime."""
    return path.startswith("bench/peers/") and path.endswith("/run")


def begins_with_its_purpose(files):
    for source in files.sources.values():
        path = source.path
        if source.is_cpp:
            comment = source.leading_comment()
        elif path.endswith((".go", ".rs")):
            block = re.match(r"(?://.*\n)+", source.text)
            comment = "\n".join(line.lstrip("/!") for line in
                                (block[0] if block else "").splitlines())
        elif path.endswith(".py") or is_peer(path):
            docstring = re.match(r'(?:#![^\n]*\n)?"""(.*?)"""', source.text,
                                 re.DOTALL)
            comment = docstring[1] if docstring else ""
        elif path.endswith(".sh") or path in SCRIPTS:
            block = re.match(r"(?:#.*\n)+", source.text)
            comment = "\n".join(line.lstrip("#! ") for line in
                                (block[0] if block else "").splitlines()
                                if not line.startswith("#!"))
        elif path.endswith("meson.build"):
            if not source.text.startswith("# "):
                yield f"{path}:1: begin with a comment that says what this is"
            continue
        else:
            continue
        lines = [line.strip() for line in comment.strip().splitlines()]
        if not lines or lines[-1] != LICENSE:
            yield (f"{path}:1: the comment at the top ends with the line "
                   f"`{LICENSE}`")
        purpose = " ".join(lines).split(LICENSE)[0]
        if not re.search(r"\w\W*[.:?]", purpose):
            yield f"{path}:1: begin with a sentence that says what this is"


def awaitables(files):
    """A pattern that finds functions by what they return: a Task, or what says
    of itself that it is to be awaited. Names in lower case belong to the
    compiler's protocol; qualified ones are definitions."""
    types = {"Task"}
    for source in files.of_library():
        types |= set(AWAITED.findall(source.statements))
    returned = rf"(?:\w+(?:<[\w, ]+>)?::)*(?:{'|'.join(sorted(types))})\b"
    words = r"(?:(?:static|inline|constexpr|virtual|friend|typename)\s+)*"
    name = r"([A-Z]\w*|operator\(\))"
    return re.compile(
        rf"^[ \t]*{words}(?:{returned}(?:<.*>)?\s+{name}\s*\(|"
        rf"auto\s+{name}\s*\([^;{{}}]*?\)[\s\w]*->\s*{returned})",
        re.MULTILINE)


def in_private_part(lines, index):
    """Whether the class around a line has said `private:` since it began."""
    indent = len(lines[index]) - len(lines[index].lstrip())
    for line in reversed(lines[:index]):
        if not line.strip():
            continue
        here = len(line) - len(line.lstrip())
        if here < indent:
            access = re.match(r"\s*(public|private|protected):", line)
            if access:
                return access[1] != "public"
            if here < indent - 1:
                return bool(re.match(r"\s*class\b", line))
    return False


def comment_above(lines, index):
    """The comment above a declaration, past declarations that share it."""
    above = index - 1
    while above >= 0 and lines[above].strip() and (
            not lines[above].lstrip().startswith("//")):
        above -= 1
    block = []
    while above >= 0 and lines[above].lstrip().startswith("//"):
        block.append(lines[above].lstrip()[2:])
        above -= 1
    return "\n".join(reversed(block))


def awaitables_are_documented(files):
    awaitable = awaitables(files)
    for source in files.of_library():
        if not source.is_header or "/internal/" in source.path:
            continue
        lines = source.lines()
        for found in awaitable.finditer(source.code):
            start = found.start() + len(found[0]) - len(found[0].lstrip())
            before = source.code[:start]
            inside_internal = (
                len(re.findall(r"namespace (?:\w+::)*internal \{", before))
                > len(re.findall(r"\}  // namespace (?:\w+::)*internal",
                                 source.text[:start])))
            index = source.line_of(start) - 1
            if inside_internal or in_private_part(lines, index):
                continue
            name = found[1] or found[2]
            if name == "operator()":  # The object's comment is its.
                while index and not re.match(r"(struct|class)\b", lines[index]):
                    index -= 1
            comment = comment_above(lines, index)
            missing = [field for field in ("Suspends", "Cancel")
                       if not re.search(rf"^\s*{field}:", comment,
                                        re.MULTILINE)]
            # "As Lock, but ..." has what Lock has.
            if missing and not re.match(r"\s*As [A-Z]", comment):
                yield source.at(start, (
                    f"{name} may suspend: its comment wants "
                    + " and ".join(f"`{field}:`" for field in missing)))


def regions(text):
    """Name to code of what a source offers for quoting."""
    return {name: textwrap.dedent(code) for name, code in re.findall(
        r"^[ \t]*// region: (\S+)\n(.*?)^[ \t]*// endregion", text,
        re.MULTILINE | re.DOTALL)}


def documents(files):
    return [source for source in files.sources.values()
            if source.path.endswith(".md")]


def quoted_code_is_compiled_code(files):
    for page in documents(files):
        quoted = set()
        for quote in REGION.finditer(page.text):
            path, name, code = quote.groups()
            quoted.add(page.line_of(quote.start(3)))
            origin = files.sources.get(path)
            if origin is None:
                yield page.at(quote.start(), f"there is no {path} to quote")
            elif name not in regions(origin.text):
                yield page.at(quote.start(), f"{path} has no region {name}")
            elif regions(origin.text)[name].rstrip() != code.rstrip():
                yield page.at(quote.start(), (
                    f"differs from region {name} of {path}: fill it anew with "
                    "tests/hygiene/docs.py . --quote"))
        if page.path == "README.md" or (
                page.path.startswith("docs/")
                and not page.path.startswith("docs/decisions/")):
            for block in re.finditer(r"^```(cpp|c\+\+)\n", page.text,
                                     re.MULTILINE):
                if page.line_of(block.end()) not in quoted:
                    yield page.at(block.start(), (
                        "code that nobody compiles: quote a region of a file "
                        "(`<!-- region: FILE NAME -->` above the block)"))


def quoted_anew(page, files):
    """The text of a page with the code that its quotations name."""
    def fill(quote):
        origin = files.sources.get(quote[1])
        code = regions(origin.text).get(quote[2]) if origin else None
        if code is None:
            return quote[0]
        begin, end = (place - quote.start() for place in quote.span(3))
        return quote[0][:begin] + code.rstrip() + "\n" + quote[0][end:]

    return REGION.sub(fill, page.text)


def anchors(text):
    """The anchors of a page's headings, as they are made on the web."""
    for heading in re.findall(r"^#+ +(.*)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def links_lead_somewhere(files):
    folders = {path[:slash.start()] for path in files.sources
               for slash in re.finditer("/", path)} | {""}
    for page in documents(files):
        for link in LINK.finditer(page.text):
            target, _, anchor = link[1].partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            path = page.path
            if target:
                parts = page.path.split("/")[:-1]
                for part in target.rstrip("/").split("/"):
                    if part == "..":
                        parts = parts[:-1]
                    elif part != ".":
                        parts.append(part)
                path = "/".join(parts)
            there = files.sources.get(path)
            if there is None and path not in folders:
                yield page.at(link.start(), f"{link[1]} leads nowhere")
            elif anchor and there and there.path.endswith(".md") and (
                    anchor not in anchors(there.text)):
                yield page.at(link.start(), f"{path} has no heading #{anchor}")


def names_are_in_their_headers(files):
    """A row ends with the cell that leads to headers, after that of names."""
    for page in documents(files):
        if not page.path.startswith("docs/guides/"):
            continue
        for row in ROW.finditer(page.text):
            cells = row[1].split("|")
            headers = [files.sources[path] for path in re.findall(
                r"\]\((?:\.\./)+([^)]+\.h)\)", cells[-1])
                       if path in files.sources]
            for code in re.findall(r"`([^`]+)`", " ".join(cells[-2:-1])):
                for name in NAME.findall(code):
                    if not any(re.search(rf"\b{name}\b", header.code)
                               for header in headers):
                        yield page.at(row.start(), (
                            f"{name} is in no header that the row leads to"))


RULES = [begins_with_its_purpose, awaitables_are_documented,
         quoted_code_is_compiled_code, links_lead_somewhere,
         names_are_in_their_headers]


def findings(files):
    for rule in RULES:
        yield from rule(files)


if __name__ == "__main__":
    if "--quote" in sys.argv:
        root = pathlib.Path(sys.argv[1])
        read = tree.Tree.read(root)
        for document in documents(read):
            if quoted_anew(document, read) != document.text:
                (root / document.path).write_text(quoted_anew(document, read))
    sys.exit(tree.main("docs", findings))

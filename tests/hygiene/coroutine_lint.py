"""Finds the coroutine code that g++ 12 compiles wrongly, as far as text shows.

The compiler accepts what is listed here and destroys something twice, or never
(CONTRIBUTING has the list with its symptoms). Therefore: one co_await a
statement, into a named variable; nothing around it that is evaluated
sometimes; no temporary of a kind that is destroyed twice beside it.

A capturing lambda that is a coroutine outlives its captures when the closure
is a temporary. In the library none captures, but for a `[&]` lambda handed
directly to WithScope or Using. Elsewhere a closure may also have a name, or be
handed to Spawn or Run, which keep it; called on the spot it is always wrong.

Where a test means it, the line (or the one above) says NOLINT with "coroutine"
in its parentheses, as clang-tidy wants it anyway.

SPDX-License-Identifier: MIT
"""

import re
import sys

import tree

KEYWORD = re.compile(r"(?<!operator )\bco_(?:await|yield|return)\b")
AWAIT = re.compile(r"(?<!operator )\bco_await\b")
CONTROL = re.compile(r"\s*(?:else\s+)?(if|while|for|switch)\b\s*(?:constexpr)?"
                     r"\s*\(")
# What stands before a brace that opens a block, and no list of values.
BEFORE_BLOCK = re.compile(r"""
    ( ^ | [;{}:\]]
    | \b(else|do|try)
    | \b(namespace|class|struct|union|enum|concept|extern)\b[^;{}()]*
    | \)\s*(\[\[.*?\]\]\s*)?
      ((const|noexcept|mutable|override|final|constexpr|volatile|static)\b\s*
       |requires\b[^;{}]*|&&?\s*)*
      (->\s*[\w:<>,\s*&()]+)?
    | \bnoexcept\s*\([^;{}]*\)
    | \]\s*(mutable\b\s*)?->\s*[\w:<>,\s*&()]+
    | \brequires\b[^;{}]*
    )\s*$""", re.VERBOSE | re.DOTALL)
CLOSED_BY = {"(": ")", "[": "]", "{": "}"}
LAMBDA = re.compile(r"(?<![\w)\]\[])\s*\[(?!\[)([^\[\]]*)\]\s*"
                    r"(?=[({]|mutable|->|noexcept|<)")
HANDED_DIRECTLY = re.compile(
    r"\b(?:WithScope|Using)(?:<[^;()]*>)?\s*\((?:[^;]*,)?\s*$")
# The handler of an arm of a Select is no coroutine, and captures nothing that
# could be destroyed twice when it captures by reference.
HANDLES_AN_ARM = re.compile(r"\bOn[A-Z]\w*\s*\((?:[^;]*,)?\s*$")


class Brackets:
    """Which bracket closes which, and which braces open blocks."""

    def __init__(self, code):
        self.code = code
        self.close_of, self.open_of, self.blocks = {}, {}, set()
        stack = []
        for match in re.finditer(r"[()\[\]{}]", code):
            here, bracket = match.start(), match[0]
            if bracket in CLOSED_BY:
                stack.append(here)
                before = code[max(0, here - 400):here]
                if bracket == "{" and BEFORE_BLOCK.search(before):
                    self.blocks.add(here)
            elif stack:
                opened = stack.pop()
                self.close_of[opened] = here
                self.open_of[here] = opened

    def around(self, offset):
        """The brackets that are open at `offset`, innermost first."""
        depth, here = 0, offset - 1
        while here >= 0:
            if here in self.open_of:
                here = self.open_of[here]
            elif here in self.close_of:
                yield here
            here -= 1

    def block_around(self, offset):
        return next((each for each in self.around(offset)
                     if each in self.blocks), None)

    def statement(self, offset):
        """From where to where the statement around `offset` goes."""
        block = self.block_around(offset)
        begin = end = offset
        while begin - 1 != block and begin > 0:
            before = begin - 1
            if before in self.open_of:
                opened = self.open_of[before]
                if opened in self.blocks and not self._in_statement(opened):
                    break
                begin = opened
            elif self.code[before] == ";" and not self._in_header(before):
                break
            else:
                begin = before
        limit = self.close_of.get(block, len(self.code))
        while end < limit:
            if end in self.close_of:
                # The body of an `if` or a loop is no part of its header.
                if end in self.blocks and not self._in_statement(end):
                    break
                end = self.close_of[end]
            elif self.code[end] == ";" and not self._in_header(end):
                break
            end += 1
        return begin, min(end, limit)

    def _in_header(self, offset):
        """Whether a semicolon stands between parentheses, as in `for (;;)`."""
        innermost = next(self.around(offset), None)
        return innermost is not None and self.code[innermost] == "("

    def _in_statement(self, opened):
        """Whether a block is a lambda's, and so part of a statement."""
        return self.lambda_of(opened) is not None

    def lambda_of(self, opened):
        """The offset of the `[` of the lambda whose body opens here."""
        before = self.code[:opened].rstrip()
        tail = re.search(
            r"([)\]])\s*((mutable|noexcept|constexpr)\b\s*)*"
            r"(->\s*[\w:<>,\s*&()]+)?$", before[-300:])
        if not tail:
            return None
        close = max(0, len(before) - 300) + tail.start()
        if before[close] == ")":
            opening = self.open_of.get(close)
            if opening is None:
                return None
            close = len(self.code[:opening].rstrip()) - 1
            if close >= 0 and self.code[close] == ">":  # [&]<typename T>(
                close = self.code.rfind("]", 0, close)
        if close < 0 or self.code[close] != "]" or close not in self.open_of:
            return None
        opening = self.open_of[close]
        if LAMBDA.match(self.code, opening) and not re.search(
                r"[\w)\]]\s*$", re.sub(
                    r"\b(return|co_return|co_await|co_yield)\s*$", "",
                    self.code[max(0, opening - 40):opening])):
            return opening
        return None


def own_text(brackets, begin, end):
    """A statement without the bodies and parameters of lambdas in it."""
    text = list(brackets.code[begin:end])
    for block in brackets.blocks:
        if begin <= block < end and (
                opening := brackets.lambda_of(block)) is not None:
            head = brackets.close_of[opening] + 1
            last = min(brackets.close_of.get(block, end), end - 1)
            for here in range(head, last + 1):
                if text[here - begin] != "\n" and here != block:
                    text[here - begin] = " "
    return "".join(text)


def await_findings(source, brackets):
    seen = set()
    for found in AWAIT.finditer(source.code):
        begin, end = brackets.statement(found.start())
        if begin in seen:
            continue
        text = own_text(brackets, begin, end)
        if "co_await" not in text:
            continue
        seen.add(begin)

        def at(offset, what):
            return offset, source.at(offset, what)

        place = begin + text.index("co_await")
        # Headers: `if (...)`, and what they guard, apart.
        parts, rest, where = [], text, 0
        while control := CONTROL.match(rest):
            opening = begin + where + control.end() - 1
            close = brackets.close_of.get(opening, end)
            header = text[control.end() + where:max(0, close - begin)]
            if control[1] in ("if", "switch") and "co_await" in header:
                yield at(place, (
                    f"co_await in the condition of {control[1]}: await into a "
                    "variable first"))
            parts.append(header)
            where = close - begin + 1
            rest = text[where:]
        parts.append(rest)

        for part in parts:
            if "co_await" not in part:
                continue
            if len(re.findall(r"\bco_await\b", part)) > 1:
                yield at(place, (
                    "two co_awaits in one statement: one each, into a named "
                    "variable"))
            # A declaration's own && is left of its =.
            value = re.split(r"(?<![=!<>+\-*/%&|^])=(?!=)", part, 1)[-1]
            if re.search(r"&&|\|\||\?", value):
                yield at(place, (
                    "co_await beside && or || or ?: : await into a variable "
                    "first"))
        for brace in brackets.close_of:
            if not begin <= brace < end or source.code[brace] != "{":
                continue
            # `f({})` is fine for spans and the like; nothing to destroy.
            bare = (re.search(r"[(,]\s*$", source.code[begin:brace]) and
                    not source.code[brace + 1:brackets.close_of[brace]].strip())
            if (brace not in brackets.blocks and text[brace - begin] == "{"
                    and not bare):
                yield at(brace, (
                    "braces beside co_await: give the object a name first, or "
                    "call its constructor with parentheses"))
                break
        for match in LAMBDA.finditer(text):
            opening = begin + match.start(1) - 1
            captures, before = match[1].strip(), source.code[:opening]
            if not captures or (
                    captures == "&" and (
                        HANDED_DIRECTLY.search(before[-300:]) or
                        HANDLES_AN_ARM.search(before[-300:]))):
                continue
            # `auto f = [&] ...;` is a named one, and no temporary.
            yield at(opening, (
                "a capturing lambda beside co_await: give it a name in a "
                "statement before"))


def lambda_findings(source, brackets):
    """Coroutines that are capturing lambdas."""
    bodies = {}
    for found in KEYWORD.finditer(source.code):
        block = brackets.block_around(found.start())
        while block is not None:
            opening = brackets.lambda_of(block)
            if opening is not None:
                bodies.setdefault(opening, block)
                break
            # A function's own body is no lambda's; control blocks go on.
            block = brackets.block_around(block)
    for opening in sorted(bodies):
        captures = source.code[
            opening + 1:brackets.close_of[opening]].strip()
        before = source.code[max(0, opening - 300):opening]
        if not captures or (
                captures == "&" and HANDED_DIRECTLY.search(before)):
            continue
        end = brackets.close_of.get(bodies[opening], len(source.code))
        called = re.match(r"\s*\)?\s*\(", source.code[end + 1:end + 40])
        if source.folder in tree.LAYERS or called:
            yield opening, source.at(opening, (
                "a capturing lambda that is a coroutine outlives its captures: "
                "pass them as parameters"))


def findings_in(source):
    if not KEYWORD.search(source.code):
        return
    brackets = Brackets(source.code)
    lines = source.lines()
    found = [*await_findings(source, brackets),
             *lambda_findings(source, brackets)]
    for offset, message in sorted(set(found)):
        line = source.line_of(offset)
        near = "\n".join(lines[max(0, line - 2):line])
        if not re.search(r"NOLINT\w*\([^)]*coroutine", near):
            yield message


def findings(files):
    for source in files.cpp():
        yield from findings_in(source)


if __name__ == "__main__":
    sys.exit(tree.main("coroutine_lint", findings))

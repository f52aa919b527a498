"""What this project has agreed on and no compiler knows.

Each rule is a function of the tree that yields what breaks it. CONTRIBUTING
says why; the message says what to do instead.

SPDX-License-Identifier: MIT
"""

import re
import sys

import tree

SHIM = "tests/support/kqueue_shim/"  # It imitates a system header's macros.
SAYS_NOTHING = {"detail", "details", "impl", "base", "util", "utils", "helper",
                "helpers", "manager", "common"}
SYSTEM_CALLS = (
    "accept|accept4|bind|clock_gettime|close|connect|epoll_\\w+|eventfd|fcntl|"
    "fdatasync|fork|fstat|fsync|ftruncate|getsockopt|getsockname|ioctl|kevent|"
    "kill|kqueue|listen|lseek|mmap|mkdir|nanosleep|open|opendir|pipe2|"
    "poll|pread|pwrite|preadv2|pthread_sigmask|raise|read|readv|recv|recvmsg|"
    "rename|rmdir|select|send|sendmsg|setsockopt|shutdown|sigaction|signalfd|"
    "sigprocmask|socket|stat|syscall|sysconf|timerfd_\\w+|unlink|usleep|write|"
    "writev")
# Qualified, any function of the global namespace is taken for a system call.
SYSTEM_CALL = re.compile(
    r"(?:(?<![\w>:])::([a-z]\w*)"
    rf"|(?:^|[;{{}}(,=!&|?]|(?<!:):|\breturn|\belse)\s*({SYSTEM_CALLS}))\s*\(",
    re.MULTILINE)
NOT_THE_SYSTEM = {"operator", "new", "delete", "fprintf"}
ALLOWED = {  # And why.
    # A mask is the thread's, not the world's, and the call cannot fail.
    ("reactor/signal_mask.cc", "pthread_sigmask"),
    # A disposition is the process's own, and only looked at; it cannot fail.
    ("reactor/signals.cc", "sigaction"),
    # A limit is the process's own, and only looked at; it cannot fail.
    ("net/process_check.cc", "sysconf"),
    # Inside System::event_queue_control and event_queue_wait, as in a poller.
    ("reactor/kqueue_file_changes.cc", "kevent"),
    ("reactor/kqueue_file_changes.cc", "kqueue"),
    # A plain thread that ends a runtime waits for it by its own clock.
    ("runtime/runtime.cc", "absl::Now"),
    # A child that was killed ends in real time, and its reactor with it.
    ("reactor/child_exits.cc", "sleep_for"),
    # The watch looks after real threads; a simulation has none.
    ("runtime/internal/watch.cc", "sleep_for"),
}
KINDS_OF_TODO = {"soon", "someday", "perf", "port"}


def each_match(sources, pattern, message, text="code"):
    for source in sources:
        for match in re.finditer(pattern, getattr(source, text), re.MULTILINE):
            yield source.at(match.start(), message)


def no_fences(files):
    yield from each_match(files.cpp(), r"\batomic_thread_fence\b", (
        "no fences: the thread sanitizer does not see them; put the order on "
        "the variable"))


def atomics_go_through_the_seam(files):
    yield from each_match(
        [source for source in files.of_library()
         if source.path != "reactor/atomic.h"],
        r"\bstd::atomic\b|<atomic>", (
            "call it Atomic (reactor/atomic.h, runtime/atomic.h): the explorer "
            "of tests/explore puts its own there"))


def no_abseil_mutex(files):
    yield from each_match(
        files.cpp(), r"absl/synchronization/|\babsl::(Mutex|CondVar|"
        r"Notification|BlockingCounter|Barrier)\b", (
            "not clean under the thread sanitizer: use std::mutex, "
            "std::condition_variable or reactor::SpinLock"), "statements")


def todos_have_a_kind(files):
    for source in files.cpp():
        for todo in re.finditer(r"\bTODO\b(?:\((\w+)\))?", source.text):
            if todo[1] not in KINDS_OF_TODO:
                yield source.at(todo.start(), (
                    "a TODO names when: " + ", ".join(sorted(KINDS_OF_TODO))
                    + "; what must be done now is done now"))


def guard_of(path):
    return "WEFT_" + re.sub(r"\W", "_", path).upper() + "_"


def no_macros_but_include_guards(files):
    for source in files.cpp():
        guard = guard_of(source.path)
        if source.is_header and (
                f"#ifndef {guard}\n#define {guard}\n" not in source.text
                or not source.text.endswith(f"#endif  // {guard}\n")):
            yield f"{source.path}:1: the include guard of this file is {guard}"
        if source.path.startswith(SHIM):
            continue
        for define in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(\w+)",
                                  source.statements, re.MULTILINE):
            if define[1] != guard:
                yield source.at(define.start(), (
                    f"no macros of our own: make {define[1]} a constant, a "
                    "function or a template"))


def few_conditions(files):
    """One feature test a file, and it says when it goes."""
    for source in files.of_library():
        if source.path.endswith(("_poller.cc", "_system.cc", "os_error.cc")):
            continue
        conditions = set()
        for found in re.finditer(
                r"^[ \t]*#[ \t]*(if|ifdef|ifndef)\b((?:.*\\\n)*.*)",
                source.statements, re.MULTILINE):
            if guard_of(source.path) in found[2]:
                continue
            conditions.add(re.sub(r"\W+", " ", found[2]))
            line = source.line_of(found.start())
            above = "\n".join(source.lines()[max(0, line - 9):line + 3])
            if len(conditions) > 1:
                yield source.at(found.start(), (
                    "one feature test a file: give the other a file of its "
                    "own, chosen by meson"))
            elif "SANITIZE" not in found[2] and not re.search(
                    r"//.*\b(remove|drop|gone?|goes)\b", above,
                    re.IGNORECASE):
                yield source.at(found.start(), (
                    "a comment at an #if says when to remove or drop it"))


def few_friends(files):
    """Operators, and classes of the same file: mostly the enclosing one."""
    for source in files.of_library():
        for friend in re.finditer(
                r"^[ \t]*(?:template\s*<[^>]*>\s*)?friend\s+([^;{(]*)([;{(]?)",
                source.code, re.MULTILINE):
            what = friend[1].strip()
            named = re.match(r"(?:class|struct)\s+(\w+)$", what)
            if named and re.search(
                    rf"^[ \t]*(class|struct)\s+(\[\[.*?\]\]\s*)?(\w+::)?"
                    rf"{named[1]}\b(?!;)", source.code, re.MULTILINE):
                continue
            if re.search(r"\boperator\b|\bAbslHashValue$|\bAbslStringify$",
                         what):
                continue
            yield source.at(friend.start(), (
                "friends are operators and classes of the same file: nest the "
                "class, or give the other a function to call"))


def eighty_columns(files):
    for source in files.sources.values():
        if not source.path.endswith((
                ".h", ".cc", ".py", ".sh", ".go", ".rs", "/run")) and (
                source.path != "dev"):
            continue
        # A tab is as wide as gofmt thinks.
        for number, line in enumerate(source.text.expandtabs(4).splitlines(),
                                      1):
            if len(line) > 80 and not re.search(r"https?://|#include", line):
                yield f"{source.path}:{number}: longer than 80 columns"


def names_that_say_something(files):
    for path in files.sources:
        parts = path.split("/")
        words = {word for part in parts
                 for word in re.split(r"[_.\-]", part.lower())}
        for word in sorted(words & SAYS_NOTHING):
            yield (f"{path}:1: '{word}' says nothing: name the file after what "
                   "is in it")


def one_seam_to_the_system(files):
    for source in files.of_library():
        if source.path.endswith(("system.h", "_system.cc", "_system.h",
                                 "_poller.cc")):
            continue
        for call in SYSTEM_CALL.finditer(source.code):
            name = call[1] or call[2]
            if name not in NOT_THE_SYSTEM and (
                    (source.path, name) not in ALLOWED):
                yield source.at(call.start(call.lastindex), (
                    f"{name}: call the system through reactor::System, so that "
                    "a test can stand in for it"))


def one_seam_to_time_and_chance(files):
    for source in files.of_library():
        if source.path.endswith("_system.cc"):
            continue
        for found in re.finditer(
                r"\bsleep_(for|until)\b|_clock::now\b|"
                r"\babsl::(Now|SleepFor)\b|\brandom_device\b|\bs?rand\(",
                source.code):
            if (source.path, found[0]) not in ALLOWED:
                yield source.at(found.start(), (
                    f"{found[0]}: time and chance come through "
                    "reactor::System, so that the Simulator holds them"))


def one_thread_local(files):
    yield from each_match(
        [source for source in files.of_library()
         if not source.path.startswith("runtime/current.")],
        r"\bthread_local\b", "the only thread-local is in runtime/current")


def tests_are_sentences(files):
    for source in files.cpp():
        if source.folder != "tests":
            continue
        for test in re.finditer(
                r"^(?:TYPED_)?TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)",
                source.code, re.MULTILINE):
            suite, name = test.groups()
            words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[0-9]+", name)
            if not suite.endswith("Test"):
                yield source.at(test.start(), (
                    f"{suite}: a suite is called after what it tests, "
                    "and Test"))
            if "_" in name or not name[0].isupper() or len(words) < 2:
                yield source.at(test.start(), (
                    f"{name}: a test's name is a sentence of behaviour"))


def tests_do_not_sleep_or_print(files):
    yield from each_match(
        [source for source in files.cpp() if source.folder == "tests"
         and not source.path.startswith(("tests/stress/", "tests/support/"))],
        r"\bsleep_for\b|\bsleep_until\b|\busleep\(|\bnanosleep\(|"
        r"\bstd::(cout|cerr|clog)\b|\bf?printf\(", (
            "tests wait for what they need and print nothing: see the "
            "Simulator"))


RULES = [
    no_fences, atomics_go_through_the_seam, no_abseil_mutex, todos_have_a_kind,
    no_macros_but_include_guards, few_conditions, few_friends, eighty_columns,
    names_that_say_something, one_seam_to_the_system,
    one_seam_to_time_and_chance, one_thread_local, tests_are_sentences,
    tests_do_not_sleep_or_print,
]


def findings(files):
    for rule in RULES:
        yield from rule(files)


if __name__ == "__main__":
    sys.exit(tree.main("conventions", findings))

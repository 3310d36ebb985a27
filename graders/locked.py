"""`python -I -S graders/locked.py <readable folder>…`: runs one stranger's `grade(sample, item)`, locked away.

Before a line of it runs: namespaces of its own (no network, no other processes), Landlock (reads Python's library and
nothing else, writes nothing), seccomp (starts nothing, opens no socket), limits on memory, processor time and files,
no environment. Where the kernel has one of these not, nothing runs.

Standard library only; speaks JSON lines over stdin and the pipe that was stdout.
"""

import contextlib
import ctypes
import json
import math
import os
import resource
import select
import signal
import struct
import sys

MEMORY_BYTES = 512 * 1024**2
#: Of processor time in all; each answer has its own time limit, which the parent keeps.
CPU_S = 3600
MOST_RESULT = 2000

_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWPID, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x20000000, 0x08000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
#: Every right of ABI 1 (files and folders); of them, reading and listing.
_ALL_RIGHTS, _READ_RIGHTS = (1 << 13) - 1, (1 << 2) | (1 << 3)

#: Of a seccomp filter: what becomes of a call (linux/seccomp.h); a call of the x32 kind has a number from here on.
_PR_SET_SECCOMP, _FILTER_MODE = 22, 2
_ALLOW, _KILL, _X32 = 0x7FFF0000, 0x80000000, 0x40000000
_REFUSE = (0x06, 0, 0, 0x00050000 | 1)
#: The machine's mark, then: socket, socketpair, clone, fork, vfork, execve, ptrace, unshare, setns, execveat, io_uring,
#: process_vm_readv and -writev, clone3.
_DENIED = {
    "x86_64": (0xC000003E, (41, 53, 56, 57, 58, 59, 101, 272, 308, 310, 311, 322, 425, 435)),
    "aarch64": (0xC00000B7, (198, 199, 220, 221, 117, 97, 268, 270, 271, 281, 425, 435)),
}

libc = ctypes.CDLL(None, use_errno=True)


def main(readable: list[str]) -> int:
    leave_the_machine()
    if child := os.fork():  # the first process of a new PID namespace: when it ends, all in it end
        return watch(child)
    must(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "to end with its parent")
    os.setsid()  # a signal to its group would reach the process that watches it, namespaces or not
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    limit()
    see_only(readable)
    start_nothing()
    serve(answers)
    return 0


def leave_the_machine() -> None:
    user, group = os.getuid(), os.getgid()
    must(
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWIPC),
        "namespaces of its own (kernel.unprivileged_userns_clone)",
    )
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - no import that is not needed
            file.write(text)


def watch(child: int) -> int:
    """Until it ends, or whoever asks is gone: a program that never ends would outlive a parent that was killed."""
    poller = select.poll()
    poller.register(os.pidfd_open(child), select.POLLIN)
    poller.register(0, 0)  # nothing but that the other end was closed
    poller.poll()
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF


def limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def see_only(readable: list[str]) -> None:
    """Landlock: source include/uapi/linux/landlock.h."""
    must(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    ruled = struct.pack("<Q", _ALL_RIGHTS)
    rules = must(libc.syscall(_LANDLOCK_CREATE, ruled, len(ruled), 0), "Landlock (Linux 5.13)")
    for folder in readable:
        handle = os.open(folder, os.O_PATH)
        rule = struct.pack("<Qi", _READ_RIGHTS, handle)
        must(libc.syscall(_LANDLOCK_ADD, rules, 1, rule, 0), f"to read {folder}")
        os.close(handle)
    must(libc.syscall(_LANDLOCK_RESTRICT, rules, 0), "Landlock")
    os.close(rules)


def start_nothing() -> None:
    """seccomp: no process, thread, program, socket or look into another process; each is answered with EPERM."""
    machine = os.uname().machine
    must(0 if machine in _DENIED else -1, f"a filter of system calls on {machine}")
    arch, denied = _DENIED[machine]
    program = [(0x20, 0, 0, 4), (0x15, 1, 0, arch), (0x06, 0, 0, _KILL), (0x20, 0, 0, 0), (0x35, 0, 1, _X32), _REFUSE]
    for number in denied:
        program += [(0x15, 0, 1, number), _REFUSE]
    program.append((0x06, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in program))
    filter_ = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(code))
    must(libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, filter_, 0, 0), "a filter of system calls")


def must(result: int, what: str) -> int:
    if result < 0:
        reason = os.strerror(ctypes.get_errno())
        sys.stdout.write(json.dumps({"locked": False, "error": f"This system does not allow {what}: {reason}."}) + "\n")
        sys.stdout.flush()
        os._exit(3)
    return result


def serve(answers: "os._TextIOWrapper") -> None:  # type: ignore[name-defined]
    requests = sys.stdin
    source = json.loads(requests.readline())["source"]
    names: dict[str, object] = {"__name__": "grader"}
    try:
        exec(compile(source, "<grader>", "exec"), names)
        grade = names["grade"]
    except BaseException as error:  # noqa: BLE001 - the process's edge: whatever it raises is its answer
        return say(answers, {"locked": True, "error": told(error)})
    say(answers, {"locked": True})
    for line in requests:
        asked = json.loads(line)
        try:
            value = float(grade(asked["sample"], asked["item"]))  # type: ignore[operator]
            say(answers, {"value": value} if math.isfinite(value) else {"error": f"grade returned {value}."})
        except BaseException as error:  # noqa: BLE001 - the same
            say(answers, {"error": told(error)})


def say(answers: "os._TextIOWrapper", value: dict[str, object]) -> None:  # type: ignore[name-defined]
    answers.write(json.dumps(value)[:MOST_RESULT] + "\n")
    with contextlib.suppress(BrokenPipeError):
        answers.flush()


def told(error: BaseException) -> str:
    if isinstance(error, KeyError) and error.args == ("grade",):
        return "The source has no function grade(sample, item)."
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<grader>":
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"Line {line}: " if line else ""
    return f"{where}{type(error).__name__}: {str(error)[:300]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

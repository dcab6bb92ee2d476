"""Runs a command whose system calls are refused as a container or another kernel would: by a seccomp filter.

    python -m tests.socket.refusing CALL ARGUMENT VALUE ERROR COMMAND…

`socket 0 10 EAFNOSUPPORT` is a kernel without IPv6; `unshare 0 any EPERM` is Docker. Whatever the command starts, too.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {  # asm/unistd_64.h and asm-generic/unistd.h
    "x86_64": {"socket": 41, "unshare": 272},
    "aarch64": {"socket": 198, "unshare": 97},
}[platform.machine()]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K (linux/bpf_common.h)
ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO (linux/seccomp.h)
NUMBER_AT, ARGUMENTS_AT = 0, 16  # in struct seccomp_data
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2  # linux/prctl.h


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def program(call: str, argument: int, value: str, error: str) -> list[tuple[int, int, int, int]]:
    """Return the filter: refuse the call, where the argument has the value."""
    only = [(LOAD, 0, 0, ARGUMENTS_AT + 8 * argument), (EQUAL, 0, 1, int(value))] if value != "any" else []
    return [
        (LOAD, 0, 0, NUMBER_AT),
        (EQUAL, 0, len(only) + 1, NUMBERS[call]),
        *only,
        (RETURN, 0, 0, REFUSE | getattr(errno, error)),
        (RETURN, 0, 0, ALLOW),
    ]


def main() -> None:
    """Set the filter, and become the command."""
    call, argument, value, error, *command = sys.argv[1:]
    lines = program(call, int(argument), value, error)
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, FILTER, ctypes.byref(_Program(len(lines), code))),
    ):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), "prctl")
    os.execvp(command[0], command)  # noqa: S606 (no shell is wanted here)


if __name__ == "__main__":
    main()

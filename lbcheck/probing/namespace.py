"""Namespaces of our own, by the kernel's own calls: as an ordinary user where that is allowed, else root's."""

import ctypes
import fcntl
import json
import os
import select
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lbcheck.errors import MeasurementError
from lbcheck.probing import child

NEW_USER, NEW_PID, NEW_NET = 0x1000_0000, 0x2000_0000, 0x4000_0000  # linux/sched.h
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h
_READY = "ready\n"
_LIBC = ctypes.CDLL(None, use_errno=True)  # os.unshare and os.setns come with Python 3.12

Say = Callable[[str], None]  # a line, to the outside
Work = Callable[[Say], None]


@contextmanager
def inside(work: Work) -> Iterator[tuple[str, Iterator[str]]]:
    """Run `work` in user, PID and network namespaces of its own; give what kind they are, and the lines that it says.

    Whatever it starts ends with it, at the latest with this block or this process: the PID namespace sees to that.
    """
    reasons = []
    for kind, flags in _kinds().items():
        outer = child.fork(lambda channel, flags=flags: _found(flags, work, channel))  # type: ignore[misc]
        try:
            with outer.channel.makefile("r", encoding="utf-8") as lines:
                first = lines.readline()
                if first == _READY:
                    yield kind, _checked(lines)
                    return
                reasons.append(f"{kind}: {json.loads(first)['error'] if first else 'it ended at once'}")
        finally:
            outer.dismiss()
            outer.bury()
    raise MeasurementError(
        f"this machine allows no namespaces of one's own ({'; '.join(reasons)}); {', or '.join(_ways_on())}"
    )


def _kinds() -> dict[str, int]:
    kinds = {"user, PID and network namespaces of its own": NEW_USER | NEW_PID | NEW_NET}
    if os.geteuid() == 0:
        kinds["root's PID and network namespaces, for a user namespace is not allowed here"] = NEW_PID | NEW_NET
    return kinds


# The kernel's switches of user namespaces: off and on.
_SWITCHES = {
    "user.max_user_namespaces": ("0", "10000"),
    "user.max_net_namespaces": ("0", "10000"),
    "user.max_pid_namespaces": ("0", "10000"),
    "kernel.unprivileged_userns_clone": ("0", "1"),  # a patch of Debian's and others'
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),  # Ubuntu
}


def _ways_on() -> Iterator[str]:
    """Say how they would be allowed, by what is seen to refuse them."""
    for name, (off, on) in _SWITCHES.items():
        if _setting(f"/proc/sys/{name.replace('.', '/')}") == off:
            yield f"let root allow them: sysctl {name}={on}"
    if "\nSeccomp:\t2\n" in _setting("/proc/self/status"):
        yield "start the container with --privileged, for its filter of system calls may refuse them"
    yield "run it as root" if os.geteuid() else "run it where root has CAP_SYS_ADMIN"


def _setting(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:  # no such switch in this kernel
        return ""


def _checked(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith('{"error"'):
            raise MeasurementError(json.loads(line)["error"])
        yield line


def _found(flags: int, work: Work, channel: socket.socket) -> None:
    """Make the namespaces, and wait for the end of what runs in them."""
    user, group = os.geteuid(), os.getegid()
    try:
        unshare(flags)
        if flags & NEW_USER:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {user} 1")
            Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        raise_loopback()  # where AppArmor restricts user namespaces, this is what it refuses
    except OSError as error:
        child.say(channel, {"error": error.strerror})
        return
    first = child.fork(lambda mine: _first(work, channel, mine), [channel.fileno()])
    channel.close()
    first.bury()


def _first(work: Work, channel: socket.socket, mine: socket.socket) -> None:
    """Be the first process of the PID namespace, with which all others end: when the work is done, or unwanted."""
    worker = child.fork(lambda _: _work(work, channel), [channel.fileno()])
    waiting = select.poll()
    waiting.register(channel, select.POLLRDHUP)
    waiting.register(mine, select.POLLRDHUP)
    waiting.register(os.pidfd_open(worker.pid), select.POLLIN)
    waiting.poll()


def _work(work: Work, channel: socket.socket) -> None:
    channel.sendall(_READY.encode())
    try:
        work(lambda line: channel.sendall(line.encode() + b"\n"))
    except Exception as error:
        own = isinstance(error, MeasurementError)
        child.say(channel, {"error": str(error) if own else f"{type(error).__name__}: {error}"})


# --- network namespaces beside each other, for a network of several hosts ---


def another_network() -> int:
    """Make one more network namespace, its loopback up; return its file descriptor. This process stays where it is."""
    home = current_network()
    try:
        unshare(NEW_NET)
        raise_loopback()
        return current_network()
    finally:
        enter(home)
        os.close(home)


@contextmanager
def entered(network: int) -> Iterator[None]:
    """Be in another network namespace; sockets opened there stay there."""
    home = current_network()
    enter(network)
    try:
        yield
    finally:
        enter(home)
        os.close(home)


def current_network() -> int:
    """Return a file descriptor of this process's network namespace."""
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def enter(network: int) -> None:
    """Move this process there."""
    _call("setns", network, NEW_NET)


def unshare(flags: int) -> None:
    """Leave the parent's namespaces for new ones."""
    _call("unshare", flags)


def raise_loopback() -> None:
    """Set the loopback interface up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("16xh", fcntl.ioctl(asking, _SIOCGIFFLAGS, request))
        fcntl.ioctl(asking, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def sysctl(name: str, value: str) -> None:
    """Set one of this network namespace's own settings; what an older kernel does not have is passed over."""
    try:
        Path("/proc/sys/net", name).write_text(value)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise MeasurementError(
            f"no setting below /proc/sys/net can be made ({error.strerror}): start the container with --privileged"
        ) from None


def need_ipv6() -> None:
    """Raise MeasurementError where this network namespace has no IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as asking:
            asking.bind(("::1", 0))
    except OSError as error:
        raise MeasurementError(f"IPv6 is off ({error.strerror}): start the kernel without ipv6.disable=1") from None


def _call(name: str, *arguments: int) -> None:
    if getattr(_LIBC, name)(*arguments):
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")

"""HAProxy's configuration files → frontends and backends, in words that fit every product; no input or output.

A section is the list of its statements, with those of its `defaults` before its own: what holds is what stands last.
Conditions (`.if`) are not evaluated, nor variables of the environment; a note says where that matters.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lbcheck.model.address import is_address
from lbcheck.model.configuration import ConfiguredBackend, ConfiguredFrontend, ConfiguredServer
from lbcheck.wire.haproxy_words import LineError, words

# Sections with what is looked for, and those that end them: peers and rings have lines called `server`, too.
_PROXIES = ("frontend", "backend", "listen")
_OTHER_SECTIONS = """
acme cache crt-store fcgi-app healthcheck http-errors log-forward log-profile mailers namespace_list peers program
resolvers ring traces userlist
"""
_BEGIN_SECTIONS = frozenset(("global", "defaults", *_PROXIES, *_OTHER_SECTIONS.split()))
# The words after which a server's line has a value: a value is no option, whatever it says.
_VALUED_OPTIONS = """
addr agent-addr agent-inter agent-port agent-send alpn ca-file cc check-alpn check-pool-conn-name check-proto check-sni
ciphers ciphersuites client-sigalgs cookie crl-file crt curves downinter error-limit fall fastinter from guid hash-key
healthcheck id idle-ping init-addr init-state inter interface ktls log-bufsize log-proto max-reuse maxconn maxqueue
minconn name namespace npn observe on-error on-marked-down on-marked-up pool-conn-name pool-low-conn pool-max-conn
pool-purge-delay port proto proxy-v2-options quic-cc-algo redir resolve-net resolve-opts resolve-prefer resolvers rise
set-proxy-v2-tlv-fmt shard sigalgs slowstart sni socks4 source ssl-max-ver ssl-min-ver tcp-md5sig tcp-ut track usesrc
verify verifyhost weight ws
"""
_VALUED = frozenset(_VALUED_OPTIONS.split())
_CONDITIONS = {".if": 1, ".endif": -1}  # how much deeper the lines that follow stand
_DEFAULT_MODE = "tcp"
_DEFAULT_RETRIES = 3
_MOST_OF_A_TEMPLATE = 10_000  # more is a slip of the keyboard
MOST_INHERITED = 1_000_000  # lines, over all sections: 10,000 proxies with 100 lines of defaults each
_NUMBER = re.compile(r"[0-9]{1,9}")
_TIME = re.compile(r"([0-9]{1,9})(us|ms|s|m|h|d)?")
_SECONDS = {"us": 1e-6, "ms": 1e-3, None: 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RANGE = re.compile(r"(?:([0-9]{1,9})-)?([0-9]{1,9})")
_PREFIX = re.compile(r"^ipv[46]@")


class ConfigurationError(ValueError):
    """A fault of a file: a sentence that begins with file and line."""


@dataclass(frozen=True)
class Configuration:
    """What the files say; the fields are those of the sample `Configured`."""

    threads: int | None = None
    thread_groups: int | None = None
    frontends: tuple[ConfiguredFrontend, ...] = ()
    backends: tuple[ConfiguredBackend, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Statement:
    """One line: its words, `FILE:LINE`, and whether it stands under a condition."""

    words: tuple[str, ...]
    where: str
    conditional: bool


@dataclass
class _Section:
    kind: str
    name: str
    head: _Statement
    statements: list[_Statement] = field(default_factory=list)

    def all(self, *start: str) -> Iterator[_Statement]:
        """Yield the statements that begin so."""
        return (statement for statement in self.statements if statement.words[: len(start)] == start)

    def last(self, *start: str) -> tuple[str, ...]:
        """Return what follows the start of the last such statement; empty: there is none."""
        return next((found.words[len(start) :] for found in reversed(list(self.all(*start)))), ())

    def option(self, name: str) -> bool:
        """Return whether an option is set: the last word on it decides, and 0 switches off."""
        for statement in reversed(self.statements):
            if statement.words[:2] == ("option", name):
                return statement.words[2:3] != ("0",)
            if statement.words[:3] == ("no", "option", name):
                return False
        return False

    @property
    def off(self) -> bool:
        """Whether a proxy is in the file and is not started."""
        words_alone = [found.words for found in self.statements if found.words in (("disabled",), ("enabled",))]
        return words_alone[-1:] == [("disabled",)]

    @property
    def conditional(self) -> bool:
        """Whether any of it stands under a condition."""
        return any(statement.conditional for statement in (self.head, *self.statements))


def parse(files: Iterable[tuple[str, str]]) -> Configuration:
    """Return what files say, each its name and its text, in the order in which HAProxy is given them.

    ConfigurationError for what HAProxy would refuse as well: an open quote, a number that is none, an unknown `from`.
    """
    notes: list[str] = []
    sections = _sections(_statements(files, notes))
    proxies = [section for section in sections if section.kind in _PROXIES and not section.off]
    _refuse_twice(proxies)
    machine = [statement for section in sections if section.kind == "global" for statement in section.statements]
    main = _Section("global", "", machine[0], machine) if machine else None
    return Configuration(
        threads=_number(main, "nbthread", notes) if main else None,
        thread_groups=_number(main, "thread-groups", notes) if main else None,
        frontends=tuple(_frontend(s) for s in proxies if s.kind != "backend"),
        backends=tuple(_backend(s, notes) for s in proxies if s.kind != "frontend"),
        notes=tuple(dict.fromkeys(notes)),
    )


def _statements(files: Iterable[tuple[str, str]], notes: list[str]) -> Iterator[_Statement]:
    for name, text in files:
        yield from _of_file(name, text, notes)


def _of_file(name: str, text: str, notes: list[str]) -> Iterator[_Statement]:
    depth, where = 0, name
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        # A line in brackets is a scope, which is for HAProxy's own tests.
        found = () if line.lstrip().startswith("[") else _words(line, where)
        if found and not found[0].startswith("."):
            yield _Statement(found, where, depth > 0)
        if found[:1] == (".if",):
            notes.append(f"{where}: the condition is not evaluated; every branch is read")
        depth += _CONDITIONS.get("".join(found[:1]), 0)
        if depth < 0:
            raise ConfigurationError(f"{where}: .endif without an .if")
    if depth:
        raise ConfigurationError(f"{where}: an .if has no .endif")


def _words(line: str, where: str) -> tuple[str, ...]:
    try:
        return tuple(words(line))
    except LineError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _sections(statements: Iterable[_Statement]) -> list[_Section]:
    """Return the sections in their order; each proxy has the statements of its defaults before its own."""
    found: list[_Section] = []
    defaults: dict[str, _Section] = {}
    latest: _Section | None = None
    inherited = 0
    for statement in statements:
        kind = statement.words[0]
        if kind in _BEGIN_SECTIONS:
            section = _begun(statement, defaults, latest)
            inherited += len(section.statements)
            if inherited > MOST_INHERITED:
                raise ConfigurationError(
                    f"{statement.where}: more than {MOST_INHERITED:,} lines are taken from defaults"
                )
            found.append(section)
            if kind == "defaults":
                latest = defaults[section.name] = section
        elif found:
            found[-1].statements.append(statement)
        else:
            raise ConfigurationError(f"{statement.where}: '{kind:.40}' stands before the first section")
    return found


def _begun(head: _Statement, defaults: dict[str, _Section], latest: _Section | None) -> _Section:
    kind, *rest = head.words
    name = rest[0] if rest and rest[0] != "from" else ""
    if kind in _PROXIES and not name:
        raise ConfigurationError(f"{head.where}: {kind} has no name")
    origin = latest if kind in _PROXIES else None
    if "from" in rest[:2] and kind in ("defaults", *_PROXIES):
        wanted = "".join(rest[rest.index("from") + 1 :][:1])
        origin = defaults.get(wanted)
        if origin is None:
            raise ConfigurationError(f"{head.where}: there is no defaults section '{wanted}' before it")
    return _Section(kind, name, head, list(origin.statements) if origin else [])


def _refuse_twice(proxies: Sequence[_Section]) -> None:
    """Refuse two backends, or two frontends, of one name, but under a condition, where either may be meant."""
    seen: dict[tuple[bool, str], _Section] = {}
    for section in proxies:
        for receives in {"frontend": (True,), "backend": (False,)}.get(section.kind, (True, False)):
            first = seen.setdefault((receives, section.name), section)
            if first is not section and not (first.head.conditional or section.head.conditional):
                raise ConfigurationError(
                    f"{section.head.where}: {section.kind} '{section.name}' is there already, at {first.head.where}"
                )


def _frontend(section: _Section) -> ConfiguredFrontend:
    binds = (text for found in section.all("bind") for text in "".join(found.words[1:2]).split(","))
    return ConfiguredFrontend(
        name=section.name,
        mode=_mode(section),
        addresses=tuple(_address(text) for text in binds if text),
        default_backend="".join(section.last("default_backend")[:1]),
        backends=tuple(dict.fromkeys(found.words[1] for found in section.all("use_backend") if len(found.words) > 1)),
        conditional=section.conditional,
        where=section.head.where,
    )


def _backend(section: _Section, notes: list[str]) -> ConfiguredBackend:
    algorithm, *arguments = section.last("balance") or (None,)
    return ConfiguredBackend(
        name=section.name,
        mode=_mode(section),
        algorithm=algorithm,
        arguments=tuple(filter(None, arguments)),
        hash_type=section.last("hash-type"),
        hash_balance_factor=_number(section, "hash-balance-factor", notes),
        all_backups=section.option("allbackups"),
        redispatch=section.option("redispatch"),
        retries=_number(section, "retries", notes, _DEFAULT_RETRIES),
        cookie="".join(section.last("cookie")[:1]),
        sticks=tuple(" ".join(found.words[1:]) for how in ("on", "match") for found in section.all("stick", how)),
        server_rules=tuple(" ".join(found.words[1:]) for found in section.all("use-server")),
        servers=tuple(_servers(section, notes)),
        conditional=section.conditional,
        where=section.head.where,
    )


def _mode(section: _Section) -> str:
    return "".join(section.last("mode")[:1]) or _DEFAULT_MODE


def _servers(section: _Section, notes: list[str]) -> Iterator[ConfiguredServer]:
    """Yield the servers in their order; a `default-server` is for those that follow it."""
    known: dict[str, dict[str, str]] = {}  # name → options, also of each `default-server`; the usual one has no name
    for statement in section.statements:
        keyword, *rest = statement.words
        if keyword == "default-server":
            given = _options(rest, statement.where)
            name = given.pop("name", "")
            known[name] = _origin(known, name, given) | given
        elif keyword in ("server", "server-template"):
            for name, address, words_after in _named(keyword, rest, statement.where):
                given = _options(words_after, statement.where)
                known[name] = _origin(known, "", given) | given
                yield _server(name, address, known[name], statement.where, notes)


def _origin(known: dict[str, dict[str, str]], usual: str, given: dict[str, str]) -> dict[str, str]:
    """Return the options on which a line builds: those of `usual`, or of the server that it names after `from`."""
    return known.get(given.pop("from", usual), {})


def _named(keyword: str, rest: Sequence[str], where: str) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield name, address and options of the one server of a line, or of each server of a template."""
    if keyword == "server":
        if len(rest) < 2:
            raise ConfigurationError(f"{where}: a server has a name and an address")
        yield rest[0], rest[1], rest[2:]
        return
    if len(rest) < 3:
        raise ConfigurationError(f"{where}: a server-template has a prefix, a number and an address")
    yield from ((f"{rest[0]}{number}", rest[2], rest[3:]) for number in _numbers(rest[1], where))


def _numbers(text: str, where: str) -> range:
    """Return the numbers of a template's servers: `3` is 1 to 3, `5-7` is 5 to 7."""
    found = _RANGE.fullmatch(text)
    if not found:
        raise ConfigurationError(f"{where}: '{text}' is no number of servers and no range of them")
    numbers = range(int(found[1] or 1), int(found[2]) + 1)
    if len(numbers) > _MOST_OF_A_TEMPLATE:
        raise ConfigurationError(f"{where}: a template of {len(numbers):,} servers; {_MOST_OF_A_TEMPLATE:,} are read")
    return numbers


def _options(given: Sequence[str], where: str) -> dict[str, str]:
    """Return option → value of a server's line, an empty one for a word that has none; the last of several holds.

    `no-check` takes `check` back, and `enabled` takes `disabled` back: these are options with the value `no`.
    """
    found: dict[str, str] = {}
    rest = iter(given)
    for option in rest:
        if option in _VALUED:
            value = next(rest, None)
            if value is None:
                raise ConfigurationError(f"{where}: {option} has no value")
            found[option] = value
        elif option == "enabled":
            found["disabled"] = "no"
        else:
            found[option.removeprefix("no-")] = "no" if option.startswith("no-") else ""
    return found


def _server(name: str, address: str, options: dict[str, str], where: str, notes: list[str]) -> ConfiguredServer:
    return ConfiguredServer(
        name=name,
        address=_address(address),
        weight=_whole("weight", options["weight"], where, notes) if "weight" in options else 1,
        backup=options.get("backup") == "",
        disabled=options.get("disabled") == "",
        # 0 is no limit.
        session_limit=_whole("maxconn", options.get("maxconn", "0"), where, notes) or None,
        slow_start_s=_seconds("slowstart", options.get("slowstart", "0"), where, notes),
        cookie=options.get("cookie", ""),
        checked=options.get("check") == "",
        agent=options.get("agent-check") == "",
        where=where,
    )


def _address(text: str) -> str:
    """Return HOST:PORT with an IPv6 address in brackets; what is no IP address stands as it was written."""
    host, _, port = _PREFIX.sub("", text).rpartition(":")
    bare = host.strip("[]")
    if not (is_address(bare) and _NUMBER.fullmatch(port)):
        return text
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def _number(section: _Section, keyword: str, notes: list[str], default: int | None = None) -> int | None:
    """Return the number of the last such statement, `default` if there is none; None: it is in the environment."""
    statement = next(reversed(list(section.all(keyword))), None)
    return _whole(keyword, "".join(statement.words[1:2]), statement.where, notes) if statement else default


def _whole(what: str, text: str, where: str, notes: list[str]) -> int | None:
    if _NUMBER.fullmatch(text):
        return int(text)
    _note_environment(what, text, where, notes)
    return None


def _seconds(what: str, text: str, where: str, notes: list[str]) -> float:
    found = _TIME.fullmatch(text)
    if found:
        return int(found[1]) * _SECONDS[found[2]]
    _note_environment(what, text, where, notes)
    return 0.0


def _note_environment(what: str, text: str, where: str, notes: list[str]) -> None:
    """Note that a value comes from the environment; ConfigurationError where it does not, and is none."""
    if "$" not in text:
        raise ConfigurationError(f"{where}: {what} '{text}' is no number")
    notes.append(f"{where}: {what} '{text}' comes from the environment, which is not read")

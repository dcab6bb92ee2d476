"""What HAProxy's configuration files say, in words that fit every product."""

import pytest

from lbcheck.model.configuration import Configured, ConfiguredBackend, ConfiguredFrontend, ConfiguredServer
from lbcheck.model.step import Sample
from lbcheck.wire import jsonl
from lbcheck.wire.haproxy_config import Configuration, ConfigurationError, parse

WHOLE = """
global
    nbthread 4
    thread-groups 2  # from 2.7 on
    user haproxy

defaults
    mode http
    retries 5
    option redispatch
    default-server check inter 500ms

frontend www
    bind 192.0.2.1:80,[2001:db8::1]:80
    bind ipv4@192.0.2.2:443 ssl crt /etc/ssl/a.pem alpn h2,http/1.1
    bind *:8080
    acl static path_beg /static
    use_backend static if static
    use_backend %[req.hdr(host),lower]
    default_backend shop

backend shop
    balance hdr(User-Agent) use_domain_only
    hash-type consistent sdbm avalanche
    hash-balance-factor 150
    option allbackups
    cookie SRV insert indirect nocache
    stick-table type ip size 1m
    stick on src table shop
    stick store-request src
    stick match path
    use-server alpha if { path /alpha }
    server alpha 192.0.2.11:8080 weight 3 maxconn 100 cookie a slowstart 20s
    server beta 2001:db8::b:8080 no-check backup
    server gamma gamma.example:8080 disabled agent-check agent-port 9

listen stream
    bind :9000
    mode tcp
    no option redispatch
    balance leastconn
    server-template web 2-3 web.example:9000 weight 0

peers mates
    server lb1 192.0.2.21:1024
"""


def of(text: str) -> Configuration:
    """Return what one file says."""
    return parse([("haproxy.cfg", text)])


def only(text: str) -> ConfiguredBackend:
    """Return the one backend of these lines."""
    (backend,) = of(f"backend web\n{text}").backends
    return backend


def test_the_machine_and_its_frontends() -> None:
    """Threads and their groups; where requests arrive, and where they may go."""
    found = of(WHOLE)
    assert (found.threads, found.thread_groups, found.notes) == (4, 2, ())
    assert found.frontends == (
        ConfiguredFrontend(
            name="www",
            mode="http",
            addresses=("192.0.2.1:80", "[2001:db8::1]:80", "192.0.2.2:443", "*:8080"),
            default_backend="shop",
            backends=("static", "%[req.hdr(host),lower]"),
            where="haproxy.cfg:13",
        ),
        ConfiguredFrontend(name="stream", mode="tcp", addresses=(":9000",), where="haproxy.cfg:37"),
    )


def test_a_backend_with_everything() -> None:
    """Algorithm and its key, hash, persistence, rules, and what the defaults say."""
    shop, _ = of(WHOLE).backends
    assert shop == ConfiguredBackend(
        name="shop",
        mode="http",
        algorithm="hdr(User-Agent)",
        arguments=("use_domain_only",),
        hash_type=("consistent", "sdbm", "avalanche"),
        hash_balance_factor=150,
        all_backups=True,
        redispatch=True,
        retries=5,
        cookie="SRV",
        sticks=("on src table shop", "match path"),
        server_rules=("alpha if { path /alpha }",),
        servers=shop.servers,
        where="haproxy.cfg:22",
    )
    assert shop.persistent
    assert shop.weights == {"alpha": 3, "beta": 1, "gamma": 1}


def test_servers_with_everything() -> None:
    """Each option of a server that decides what it gets; `default-server` holds unless the line says otherwise."""
    alpha, beta, gamma = of(WHOLE).backends[0].servers
    assert alpha == ConfiguredServer(
        name="alpha",
        address="192.0.2.11:8080",
        weight=3,
        session_limit=100,
        slow_start_s=20.0,
        cookie="a",
        checked=True,
        where="haproxy.cfg:33",
    )
    assert (beta.address, beta.backup, beta.checked) == ("[2001:db8::b]:8080", True, False)
    assert (gamma.address, gamma.disabled, gamma.agent, gamma.checked) == ("gamma.example:8080", True, True, True)


def test_a_listen_is_a_frontend_and_a_backend_with_a_template_of_servers() -> None:
    """Its own words stand before the defaults' ones, and a server of another section's kind is not its."""
    stream = of(WHOLE).backends[1]
    assert (stream.mode, stream.algorithm, stream.redispatch, stream.retries) == ("tcp", "leastconn", False, 5)
    assert stream.weights == {"web2": 0, "web3": 0}
    assert stream.servers[1].address == "web.example:9000"
    assert not stream.persistent


def test_what_nobody_says_is_haproxys_default() -> None:
    """Mode tcp, three retries, no redispatch; which algorithm is for the version to say."""
    web = only("server a 192.0.2.1:80")
    assert (web.mode, web.retries, web.redispatch, web.algorithm, web.all_backups) == ("tcp", 3, False, None, False)
    assert web.servers == (ConfiguredServer(name="a", address="192.0.2.1:80", where="haproxy.cfg:2"),)


def test_each_proxy_has_the_defaults_before_it_or_those_it_names() -> None:
    """Defaults do not add up, unless one says `from` another."""
    text = """
    defaults one
        balance leastconn
        mode http
    backend a
    defaults two
        balance first
    backend b
    backend c from one
    defaults three from one
        balance source
    backend d
    listen e from two
    """
    assert {b.name: (b.algorithm, b.mode) for b in of(text).backends} == {
        "a": ("leastconn", "http"),
        "b": ("first", "tcp"),
        "c": ("leastconn", "http"),
        "d": ("source", "http"),
        "e": ("first", "tcp"),
    }


def test_the_last_word_holds() -> None:
    """Of several statements the last; 0 and `no` switch an option off."""
    assert only("balance first\nbalance source").algorithm == "source"
    for text, on in (("option redispatch 1", True), ("option redispatch 0", False), ("no option redispatch", False)):
        assert only(f"option redispatch\n{text}").redispatch is on
        assert only(f"{text}\noption redispatch").redispatch is True


def test_default_servers_hold_for_those_that_follow() -> None:
    """Also over several lines; a named one for those that name it; `from none` begins anew."""
    web = only(
        """
        server a 192.0.2.1:80
        default-server weight 2
        default-server backup
        server b 192.0.2.1:80 weight 3 no-backup
        default-server name spare weight 9
        server c 192.0.2.1:80
        server d 192.0.2.1:80 from spare disabled
        server e 192.0.2.1:80 from d enabled
        default-server from none
        server f 192.0.2.1:80
        """
    )
    assert [(s.name, s.weight, s.backup, s.disabled) for s in web.servers] == [
        ("a", 1, False, False),
        ("b", 3, False, False),
        ("c", 2, True, False),
        ("d", 9, False, True),
        ("e", 9, False, False),
        ("f", 1, False, False),
    ]


def test_a_value_is_no_option() -> None:
    """A cookie may be called backup."""
    (server,) = only("server a 192.0.2.1:80 cookie backup sni str(disabled) resolvers check").servers
    assert (server.cookie, server.backup, server.checked) == ("backup", False, False)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("ipv4@192.0.2.1:80", "192.0.2.1:80"),
        ("[::1]:80", "[::1]:80"),
        ("::1:80", "[::1]:80"),
        ("ipv6@[::1]:80", "[::1]:80"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:+5", "192.0.2.1:+5"),
        ("web.example:80", "web.example:80"),
        ("unix@/run/a.sock", "unix@/run/a.sock"),
        ('"${WEB}:80"', "${WEB}:80"),
    ],
)
def test_addresses_are_as_counters_write_them(written: str, address: str) -> None:
    """Address and port are comparable; what is neither stands as it was written."""
    assert only(f"server a {written}").servers[0].address == address


@pytest.mark.parametrize(
    ("text", "seconds"), [("500", 0.5), ("500ms", 0.5), ("20s", 20), ("2m", 120), ("1h", 3600), ("1d", 86400)]
)
def test_times_have_units(text: str, seconds: float) -> None:
    """Without one they are milliseconds."""
    assert only(f"server a 192.0.2.1:80 slowstart {text}").servers[0].slow_start_s == seconds


def test_what_comes_from_the_environment_is_noted() -> None:
    """Nobody but HAProxy's own process knows it."""
    found = of('backend web\nretries "${TRIES}"\nserver a 192.0.2.1:80 weight "${W}" slowstart "$S"')
    (web,) = found.backends
    assert (web.retries, web.servers[0].weight, web.servers[0].slow_start_s) == (None, None, 0.0)
    assert sorted(found.notes) == [
        "haproxy.cfg:2: retries '${TRIES}' comes from the environment, which is not read",
        "haproxy.cfg:3: slowstart '$S' comes from the environment, which is not read",
        "haproxy.cfg:3: weight '${W}' comes from the environment, which is not read",
    ]


def test_conditions_are_noted_and_every_branch_is_read() -> None:
    """A backend that stands under one, or has a line that does, says so; others do not."""
    found = of(
        """
        .if version_atleast(3.0)
        backend web
            server a 192.0.2.1:80
        .else
        backend web
            server b 192.0.2.1:80
        .endif
        backend static
            .if defined(HASH)
            balance uri
            .endif
        backend plain
        """
    )
    assert [(backend.name, backend.conditional) for backend in found.backends] == [
        ("web", True),
        ("web", True),
        ("static", True),
        ("plain", False),
    ]
    assert found.notes == (
        "haproxy.cfg:2: the condition is not evaluated; every branch is read",
        "haproxy.cfg:10: the condition is not evaluated; every branch is read",
    )


def test_a_proxy_that_is_not_started_is_not_there() -> None:
    """`disabled` in a section is no server's."""
    found = of("backend a\ndisabled\nbackend b\ndisabled\nenabled\nlisten c\ndisabled")
    assert ([b.name for b in found.backends], found.frontends) == (["b"], ())


def test_several_files_are_one_configuration() -> None:
    """Defaults of one hold in the next; each sentence names its file."""
    found = parse(
        [("10.cfg", "defaults\nbalance first\nglobal\nnbthread 2"), ("20.cfg", "\nbackend web\n.if a\n.endif")]
    )
    (web,) = found.backends
    assert (web.algorithm, web.where, found.threads) == ("first", "20.cfg:2", 2)
    assert found.notes == ("20.cfg:3: the condition is not evaluated; every branch is read",)


def test_frontend_and_backend_may_have_one_name() -> None:
    """They are two things."""
    found = of("frontend web\nbackend web")
    assert (len(found.frontends), len(found.backends)) == (1, 1)


def test_what_was_read_can_be_written_down_and_read_again() -> None:
    """A sample of it travels to another host and into a file, and no secret does."""
    found = of(WHOLE + "\nuserlist people\n  user admin insecure-password s3cret\nbackend q\n  stats auth a:s3cret\n")
    sample = Configured(
        at="lb1", balancer="lb1", paths=("haproxy.cfg",), frontends=found.frontends, backends=found.backends
    )
    line = jsonl.line(sample)
    assert jsonl.parse(Sample, line) == sample  # type: ignore[type-abstract]
    assert "s3cret" not in line


def test_nothing_says_nothing() -> None:
    """An empty file is no fault."""
    assert of("") == of("# only a comment\n") == Configuration()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("backend web\n  bind 'x", "haproxy.cfg:2: the quote ' is not closed"),
        ("server a b", "haproxy.cfg:1: 'server' stands before the first section"),
        ("backend", "haproxy.cfg:1: backend has no name"),
        ("listen from x", "haproxy.cfg:1: listen has no name"),
        ("backend web from x", "haproxy.cfg:1: there is no defaults section 'x' before it"),
        ("defaults from x", "haproxy.cfg:1: there is no defaults section 'x' before it"),
        ("backend web from", "haproxy.cfg:1: there is no defaults section '' before it"),
        ("backend a\n\nlisten a", "haproxy.cfg:3: listen 'a' is there already, at haproxy.cfg:1"),
        ("backend a\nserver b", "haproxy.cfg:2: a server has a name and an address"),
        ("backend a\nserver-template b 3", "haproxy.cfg:2: a server-template has a prefix, a number and an address"),
        ("backend a\nserver-template b x c:1", "haproxy.cfg:2: 'x' is no number of servers and no range of them"),
        ("backend a\nserver-template b 999999999 c:1", "haproxy.cfg:2: a template of 999,999,999 servers"),
        ("backend a\nserver b c:1 weight", "haproxy.cfg:2: weight has no value"),
        ("backend a\nserver b c:1 weight many", "haproxy.cfg:2: weight 'many' is no number"),
        ("backend a\nserver b c:1 weight \u0663", "haproxy.cfg:2: weight '\u0663' is no number"),
        ("backend a\nserver b c:1 slowstart soon", "haproxy.cfg:2: slowstart 'soon' is no number"),
        ("backend a\nretries", "haproxy.cfg:2: retries '' is no number"),
        ("global\nnbthread all", "haproxy.cfg:2: nbthread 'all' is no number"),
        ("backend a\n.endif", "haproxy.cfg:2: .endif without an .if"),
        ("backend a\n.if x\nserver b c:1", "haproxy.cfg:3: an .if has no .endif"),
    ],
)
def test_a_fault_is_a_sentence_with_file_and_line(text: str, sentence: str) -> None:
    """What HAProxy would refuse is refused here, and where it is is said."""
    with pytest.raises(ConfigurationError) as caught:
        of(text)
    assert str(caught.value).startswith(sentence)

"""What the roles write, as the programs themselves take it: each checks its file, and HAProxy is run with its own."""

import base64
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.convergence import SHAPES, shapes
from tests.rendering import FAMILIES, ROOT, rendered
from tests.socket.counter_servers import http_answer, needed, replying, running

PAGE = 'it\'s a "secret" #1'  # the password of the statistics page
FRONTENDS = ("plain", "tls", "proxied", "stream")
ZONE: dict[str, Any] = {
    "name": "example.org",
    "ttl_s": 60,
    "nameservers": ["ns1.example.org", "ns2.example.org"],
    "names": [{"name": "www.example.org", "addresses": ["192.0.2.1", "2001:db8::1"]}],
}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, signed by itself, and its key, in one file."""
    folder = tmp_path_factory.mktemp("certificate")
    command = [needed("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "certificate.pem").read_text() + (folder / "key.pem").read_text())
    return both


@dataclass(frozen=True)
class Balancer:
    """A running HAProxy: each frontend's port, and what its server was asked."""

    ports: Mapping[str, int]
    asked: list[bytes]


def variables(folder: Path, certificate: Path, binds: Mapping[str, list[str]], server: str) -> dict[str, Any]:
    """Return what a user may say to role haproxy, nearly all of it at once."""
    host, port = server.rsplit(":", 1)
    servers = [{"name": "web1", "address": host, "port": int(port), "weight": 3}]
    servers_v6 = [{"name": "web2", "address": "::1", "port": 9}]
    tls = {"certificate": str(certificate), "backend": "web"}
    return {
        "haproxy_admin_socket": str(folder / "admin.sock"),
        "haproxy_stats_socket": str(folder / "stats.sock"),
        "haproxy_stats_password": PAGE,
        "haproxy_fingerprint": "0123abcd",
        "haproxy_maxconn": 100,
        "haproxy_nbthread": 1,
        "haproxy_tls_ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "haproxy_tls_ciphersuites": "TLS_AES_128_GCM_SHA256",
        "haproxy_frontends": [
            {"name": "plain", "binds": binds["plain"], "backend": "web", "redirect_https": True},
            {"name": "tls", "binds": binds["tls"], **tls},
            {"name": "proxied", "binds": binds["proxied"], "accept_proxy": True, **tls},
            {"name": "stream", "binds": binds["stream"], **tls, "mode": "tcp", "backend": "stream"},
        ],
        "haproxy_backends": [
            {"name": "web", "balance": "leastconn", "retries": 1, "redispatch": True, "servers": servers},
            {"name": "stream", "mode": "tcp", "send_proxy": True, "check_port": 9, "servers": servers + servers_v6}
            | {"sources": ["127.0.0.1", "127.0.0.2", "::1"]},
        ],
    }


def for_this_machine(text: str) -> str:
    """Return a configuration without the user and root directory that only a host with the package has."""
    foreign = (["user"], ["group"], ["chroot"])
    return "".join(line for line in text.splitlines(keepends=True) if line.split()[:1] not in foreign)


def accepted(program: str, *arguments: str) -> str:
    """Run a program's check of its file, which must pass; return what it said."""
    done = subprocess.run([needed(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("family", FAMILIES)
def test_haproxy_accepts_all_at_once_without_a_warning(tmp_path: Path, certificate: Path, family: str) -> None:
    """Frontends with TLS, PROXY protocol and redirect; sources of both families; a page with a password."""
    binds = {name: [f":{port}", f"[::]:{port} v6only"] for port, name in enumerate(FRONTENDS, 20001)}
    given = variables(tmp_path, certificate, binds, "127.0.0.1:9")
    [text] = rendered([("haproxy", "haproxy.cfg.j2", given)], family)
    assert "bind [::]:20002 v6only ssl crt" in text
    assert "server web1.source2 127.0.0.1:9 weight 3 source 127.0.0.2" in text
    assert "server web2 [::1]:9 weight 1 source [::1]" in text
    assert "send-proxy-v2" in text
    (tmp_path / "haproxy.cfg").write_text(for_this_machine(text))
    assert "WARNING" not in accepted("haproxy", "-c", "-f", str(tmp_path / "haproxy.cfg"))


def test_haproxy_accepts_a_users_own_lines_without_a_warning(tmp_path: Path) -> None:
    """ACLs, another backend by its path, a stick table, cookies, an HTTP check, an exporter, options of a server."""
    app1 = {"name": "app1", "address": "127.0.0.1", "port": 9, "maxconn": "50", "slowstart": "30s"}
    app2 = {"name": "app2", "address": "127.0.0.1", "port": 8, "backup": True, "options": "cookie app2"}
    frontend = {"name": "www", "binds": [":20001"], "backend": "app"}
    frontend["lines"] = [
        "stick-table type ipv6 size 1k expire 10s store http_req_rate(10s)",
        "http-request track-sc0 src",
        "http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100 }",
        "acl images path_beg /images",
        "use_backend images if images",
    ]
    exporter = {"name": "exporter", "binds": [":20002"]}
    exporter["lines"] = ["http-request use-service prometheus-exporter if { path /metrics }"]
    backend = {"name": "app", "check_path": "/healthy", "sources": ["127.0.0.1", "127.0.0.2"]}
    backend["lines"] = ["cookie SRV insert indirect nocache", "http-check expect status 200"]
    images = {"name": "images", "lines": ["balance hdr(x-user)"], "servers": [app1]}
    given = {
        "haproxy_admin_socket": str(tmp_path / "admin.sock"),
        "haproxy_stats_socket": str(tmp_path / "stats.sock"),
        "haproxy_fingerprint": "0123abcd",
        "haproxy_global_lines": ["hard-stop-after 30s"],
        "haproxy_defaults_lines": ["option redispatch"],
        "haproxy_frontends": [frontend, exporter],
        "haproxy_backends": [backend | {"servers": [app1 | {"options": "cookie app1"}, app2]}, images],
    }
    [text] = rendered([("haproxy", "haproxy.cfg.j2", given)])
    line = "server app1.source2 127.0.0.1:9 weight 1 maxconn 50 slowstart 30s source 127.0.0.2 cookie app1"
    assert line in [line.strip() for line in text.splitlines()]
    assert "server app2 127.0.0.1:8 weight 1 backup source 127.0.0.1 cookie app2" in text
    (tmp_path / "haproxy.cfg").write_text(for_this_machine(text))
    assert "WARNING" not in accepted("haproxy", "-c", "-f", str(tmp_path / "haproxy.cfg"))


def test_nginx_accepts_its_file_on_every_family(tmp_path: Path) -> None:
    """With and without the PROXY protocol."""
    for family in FAMILIES:
        for proxy_protocol in (False, True):
            given = {
                "nginx_ports": [20001, 20002],
                "nginx_proxy_protocol": proxy_protocol,
                "nginx_worker_connections": "512",  # text, as ansible-core before 2.19 hands numbers on
            }
            [text] = rendered([("nginx", "nginx.conf.j2", given)], family)
            text = text.replace("/run/", f"{tmp_path}/").replace("/var/log/nginx/", f"{tmp_path}/")
            text = text.replace("user nginx;", "user www-data;")
            (tmp_path / "nginx.conf").write_text(text)
            accepted("nginx", "-t", "-q", "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log"))


def test_nsd_accepts_its_files(tmp_path: Path) -> None:
    """The zone and the configuration."""
    given = {"nsd_zones": [ZONE], "nsd_addresses": ["192.0.2.53", "2001:db8::53"], "item": ZONE}
    zone, configuration = rendered([("nsd", "zone.j2", given), ("nsd", "nsd.conf.j2", given)])
    (tmp_path / "zone").write_text(zone)
    (tmp_path / "nsd.conf").write_text(configuration)
    accepted("nsd-checkzone", "example.org", str(tmp_path / "zone"))
    accepted("nsd-checkconf", str(tmp_path / "nsd.conf"))


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_written_in_each_shape_is_accepted(tmp_path: Path, certificate: Path, shape: str) -> None:
    """By HAProxy without a warning, by nginx and by NSD: one pool or several, either family, with TLS and without."""
    for host, files in shapes()[shape].items():
        for name, text in files.items():
            written, kind = tmp_path / f"{host}.{name.rpartition('/')[2].partition(' ')[0]}", name.partition(" ")
            text = text.replace("/run/", f"{tmp_path}/").replace("/var/log/nginx/", f"{tmp_path}/")  # noqa: PLW2901
            written.write_text(for_this_machine(text).replace("/etc/haproxy/www.pem", str(certificate)))
            if kind[0] == "haproxy/haproxy.cfg.j2":
                assert "WARNING" not in accepted("haproxy", "-c", "-f", str(written))
            elif kind[0] == "nginx/nginx.conf.j2":
                accepted("nginx", "-t", "-q", "-c", str(written), "-e", str(tmp_path / "error.log"))
            elif kind[0] == "nsd/nsd.conf.j2":
                accepted("nsd-checkconf", str(written))
            elif kind[0] == "nsd/zone.j2":
                accepted("nsd-checkzone", kind[2], str(written))
            elif name.endswith(".sh.j2"):
                accepted("sh", "-n", str(written))


@pytest.mark.parametrize("mapping", ["address-and-port-dependent", "endpoint-independent"])
def test_nftables_accepts_the_rules(tmp_path: Path, mapping: str) -> None:
    """In a network namespace of its own, for the check asks the kernel."""
    given = {"nat_gateway_inside": "192.0.2.0/24", "nat_gateway_addresses": ["198.51.100.1", "198.51.100.2"]}
    given |= {
        "nat_gateway_ports": "40000-40063",
        "nat_gateway_mapping": mapping,
        "nat_gateway_inside_ipv6": "2001:db8::/64",
    }
    [text] = rendered([("nat_gateway", "ruleset.nft.j2", given)])
    (tmp_path / "rules").write_text(text)
    accepted("unshare", "-Urn", needed("nft"), "--check", "-f", str(tmp_path / "rules"))


def test_keepalived_speaks_to_each_peer_and_notifies() -> None:
    """Unicast from the host's own address, notify with its user, a user's lines, IPv6 beside what is advertised."""
    instance = {
        "name": "one",
        "router_id": 1,
        "priority": 254,
        "owner": True,
        "addresses": ["192.0.2.9", "2001:db8::9"],
        "lines": ["preempt_delay 60"],
    }
    given = {"keepalived_address": "192.0.2.1", "keepalived_peers": ["192.0.2.2"], "keepalived_interface": "eth0"}
    given |= {"keepalived_check": "/usr/bin/true", "keepalived_instances": [instance]}
    given |= {"keepalived_notify": "/usr/local/sbin/tell now", "keepalived_notify_user": "root"}
    [text] = rendered([("keepalived", "keepalived.conf.j2", given)])
    lines = [line.strip() for line in text.splitlines()]
    assert {
        "unicast_src_ip 192.0.2.1",
        "192.0.2.2",
        "preempt_delay 60",
        'notify "/usr/local/sbin/tell now" root',
    } <= set(lines)
    assert lines.index("192.0.2.9/32") < lines.index("virtual_ipaddress_excluded {") < lines.index("2001:db8::9/128")


def accepted_by_ansible(playbook: str) -> None:
    """Have Ansible read a playbook with all its roles."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "--syntax-check", playbook]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("playbook", ["site.yml", "grow.yml"])
def test_ansible_accepts_the_playbooks(playbook: str) -> None:
    """Every role and module name is one that Ansible knows."""
    accepted_by_ansible(f"ansible/playbooks/{playbook}")


def test_ansible_accepts_the_plays_in_the_documentation(tmp_path: Path) -> None:
    """docs/roles.md names roles and writes plays that exist."""
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    plays = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "plays.yml").write_text("---\n" + "\n".join(plays), encoding="utf-8")
    accepted_by_ansible(str(tmp_path / "plays.yml"))


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Balancer]:
    """HAProxy as the role configures it, before a server that keeps what it is asked."""
    folder = tmp_path_factory.mktemp("haproxy")
    asked: list[bytes] = []

    def reply(request: bytes) -> bytes:
        asked.append(request)
        return http_answer(b"hello")

    with ExitStack() as opened:
        server = opened.enter_context(replying(reply))
        listeners = {
            name: opened.enter_context(socket.create_server(("127.0.0.1", 0))) for name in (*FRONTENDS, "statistics")
        }
        binds = {name: [f"fd@{listener.fileno()}"] for name, listener in listeners.items()}
        [text] = rendered([("haproxy", "haproxy.cfg.j2", variables(folder, certificate, binds, server))])
        # Sockets belong to the package's user, and the page is at a port on all addresses; here is neither.
        text = for_this_machine(text).replace(" user root group haproxy", "").replace(" check port 9", "")
        text = text.replace("    bind [::]:8404 v6only\n", "").replace("bind :8404", f"bind {binds['statistics'][0]}")
        (folder / "haproxy.cfg").write_text(text)
        command = [needed("haproxy"), "-db", "-q", "-f", str(folder / "haproxy.cfg")]
        with running(command, list(listeners.values())):
            yield Balancer({name: listener.getsockname()[1] for name, listener in listeners.items()}, asked)


def trusting(certificate: Path) -> ssl.SSLContext:
    """Return the settings of a client that believes this certificate only."""
    return ssl.create_default_context(cafile=str(certificate))


def ask(port: int, *headers: str, first: bytes = b"", tls: ssl.SSLContext | None = None) -> bytes:
    """Connect, say `first`, shake hands, ask for `/`; return the whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(first)
        speaking = tls.wrap_socket(raw, server_hostname="localhost") if tls else raw
        request = "\r\n".join(["GET / HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""])
        speaking.sendall(request.encode())
        answer = b"".join(iter(lambda: speaking.recv(65536), b""))
        if tls:
            speaking.close()
        return answer


def test_a_frontend_speaks_tls_1_2_and_newer(balancer: Balancer, certificate: Path) -> None:
    """The handshake ends with a trusted certificate; the server is told that the client came by https."""
    answer = ask(balancer.ports["tls"], tls=trusting(certificate))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"x-balancer: host1" in answer
    assert b";proto=https\r\n" in balancer.asked[-1]
    old = trusting(certificate)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert ask(balancer.ports["tls"], tls=old).startswith(b"HTTP/1.1 200 ")


def test_a_plain_frontend_sends_to_https(balancer: Balancer) -> None:
    """Nothing is passed on to a server."""
    before = len(balancer.asked)
    answer = ask(balancer.ports["plain"])
    assert answer.startswith(b"HTTP/1.1 301 ")
    assert b"location: https://localhost/" in answer
    assert len(balancer.asked) == before


def test_the_proxy_protocol_says_who_the_client_is(balancer: Balancer, certificate: Path) -> None:
    """The source in its line, not the connection's own, is what the server hears of; then TLS begins."""
    first = b"PROXY TCP4 203.0.113.7 192.0.2.80 51234 443\r\n"
    assert ask(balancer.ports["proxied"], first=first, tls=trusting(certificate)).startswith(b"HTTP/1.1 200 ")
    assert b'for="203.0.113.7:51234";by="192.0.2.80:443";proto=https' in balancer.asked[-1]


def test_without_the_proxy_protocol_such_a_frontend_says_nothing(balancer: Balancer, certificate: Path) -> None:
    """A client that comes directly is cut off, not taken for someone."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(balancer.ports["proxied"], tls=trusting(certificate))


def test_a_stream_is_ended_at_the_balancer_and_announced_to_the_server(balancer: Balancer, certificate: Path) -> None:
    """In mode tcp TLS ends at the frontend; the server hears the PROXY protocol, version 2, before the request."""
    ask(balancer.ports["stream"], tls=trusting(certificate))
    assert balancer.asked[-1].startswith(b"\r\n\r\n\x00\r\nQUIT\n")


def test_the_statistics_page_wants_its_password(balancer: Balancer) -> None:
    """401 without it and with a wrong one, 200 with it, whatever characters it has."""
    port = balancer.ports["statistics"]
    right, wrong = (base64.b64encode(f"stats:{word}".encode()).decode() for word in (PAGE, "guess"))
    assert ask(port).startswith(b"HTTP/1.1 401 ")
    assert ask(port, f"Authorization: Basic {wrong}").startswith(b"HTTP/1.1 401 ")
    assert ask(port, f"Authorization: Basic {right}").startswith(b"HTTP/1.1 200 ")

"""A password in a URL: refused where it comes in, and repeated by nothing."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from lbcheck.cli import main
from lbcheck.errors import InventoryError, LbcheckError
from lbcheck.loaders.ansible_inventory import understand
from lbcheck.model.cluster import Balancer, Frontend, Server
from lbcheck.model.login import refuse_password, without_login
from lbcheck.wire.http.request import Target

HIDDEN = "PA55w0rd"
WITH = [
    f"http://u:{HIDDEN}@h/",
    f"https://:{HIDDEN}@h",
    f"http://u:{HIDDEN}/x@h/",
    f"http://u:{HIDDEN}#?x@h/",
    f"http://me@work.test:{HIDDEN}@h/",
    f"tcp://u:{HIDDEN}@h:80",
    f"http://u:{HIDDEN}@[::1]:80/",
    f"see http://u:{HIDDEN}@h/x.",
    "http://u:1234@h/",
]
WITHOUT = [
    "http://h/",
    "http://h:80/a@b",
    "http://[::1]:80/a@b",
    "http://[::1]/a:b@c",
    "http://ops@h/",
    "http://ops@h:80/x@y",
    "http://h/a:b@c",
    "http://h?x=a:b@c",
    "header:x-node",
    "unix:/run/x@y:z",
    "http://h:80 a@b",
]


@pytest.mark.parametrize("text", WITH)
def test_a_url_with_a_password_is_known_and_not_repeated(text: str) -> None:
    """However it is written; the sentence says where it leads."""
    with pytest.raises(LbcheckError, match=r"^the URL at .* has a password") as caught:
        refuse_password(text)
    assert HIDDEN not in str(caught.value)
    assert HIDDEN not in without_login(text)


@pytest.mark.parametrize("text", WITHOUT)
def test_a_port_a_user_or_a_path_is_no_password(text: str) -> None:
    """Nobody is refused for an `@` or a colon."""
    refuse_password(text)


def test_who_else_wrote_a_url_is_shown_without_its_login() -> None:
    """A redirect's target may name a user, too."""
    assert without_login(f"302 http://token@h/ http://h:80/a@b http://u:{HIDDEN}@h/c") == (
        "302 http://h/ http://h:80/a@b http://h/c"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["spread", f"http://u:{HIDDEN}@h/"],
        ["spread", f"http://u:{HIDDEN}@h/", "--plan"],
        ["spread", f"ftp://u:{HIDDEN}@h/"],
        ["spread", f"http://u:{HIDDEN}@h:port/"],
        ["spread", f"u:{HIDDEN}@h/"],
        ["spread", f"http://{HIDDEN}@h/"],
        ["spread", "http://h/", f"--stats=http://u:{HIDDEN}@h/"],
        ["spread", "http://127.0.0.1/", "--stats", f"u:{HIDDEN}@h/"],
        ["spread", "http://h/", "--rate", f"http://u:{HIDDEN}@h/"],
        ["spread", "http://h/", "--no-such-option", f"http://u:{HIDDEN}@h/"],
        ["dns", f"http://u:{HIDDEN}@h/"],
        ["failover", "-i", "/nowhere", "--", "curl", f"http://u:{HIDDEN}@h/"],
    ],
)
def test_no_command_repeats_a_password(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its errors, nor its tracebacks, nor a plan, nor samples: it ends before it has any."""
    monkeypatch.chdir(tmp_path)
    assert main([*words, "-vv"]) == 2
    out, err = capsys.readouterr()
    assert HIDDEN not in out + err
    assert not list(tmp_path.iterdir())


def listing(**variables: object) -> Mapping[str, object]:
    """Return the listing of an inventory of one host."""
    return {"_meta": {"hostvars": {"lb1": variables}}, "load_balancers": {"hosts": ["lb1"]}}


@pytest.mark.parametrize(
    "variables",
    [
        {"lbcheck_stats": f"http://u:{HIDDEN}@h/"},
        {"lbcheck_stats": ["unix:/x", f"http://u:{HIDDEN}@h/"]},
        {"cluster_frontends": [{"name": "www", "url": f"http://u:{HIDDEN}@h/", "backend": "web"}]},
        {"cluster_frontends": [{"name": "www", "url": f"ftp://u:{HIDDEN}@h/"}]},
        {"cluster_frontends": [{"name": "www", "url": f"u:{HIDDEN}@h/", "backend": "web"}]},
        {"lbcheck_identify": f"http://u:{HIDDEN}@h/"},
    ],
    ids=json.dumps,
)
def test_no_inventory_has_its_password_repeated(variables: Mapping[str, object]) -> None:
    """The sentence names the variable, or the thing, and not what stands before the `@`."""
    with pytest.raises(InventoryError) as caught:
        understand(listing(**variables), "inventory")
    assert HIDDEN not in str(caught.value)


def test_a_password_that_nobody_reads_is_nobodys_business() -> None:
    """An inventory has variables of others, too."""
    assert understand(listing(database=f"postgres://u:{HIDDEN}@h/"), "inventory")


def test_the_model_has_no_url_with_a_password() -> None:
    """So that a file of samples cannot bring one in, either."""
    url = f"http://u:{HIDDEN}@h/"
    for make in (lambda: Frontend("x", url), lambda: Balancer("x", stats=(url,)), lambda: Server("x", stub_status=url)):
        with pytest.raises(LbcheckError, match="has a password") as caught:
            make()
        assert HIDDEN not in str(caught.value)
    with pytest.raises(LbcheckError, match="has a password"):
        Target.parse(url)

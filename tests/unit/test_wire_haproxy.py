"""What HAProxy's statistics say, read from real ones (HAProxy 2.6.12) and from broken ones."""

from fractions import Fraction
from pathlib import Path

import pytest

from lbcheck.model.counters import Counters, FrontendCounters, ReadCounters, ServerCounters, ServerState
from lbcheck.model.told_by import ToldBy
from lbcheck.wire import jsonl
from lbcheck.wire.haproxy import (
    BACKEND,
    MOST_ROWS,
    ROW_LIMIT,
    SERVER,
    NotStatisticsError,
    Process,
    Row,
    backends,
    beginning,
    counters,
    default_algorithm,
    parse_info,
    parse_page_head,
    parse_runtime,
    parse_stat,
)
from lbcheck.wire.haproxy import (
    cycles as cycles_of,
)

DATA = Path(__file__).parent / "data"
RUNTIME = (DATA / "haproxy-2.6-runtime.txt").read_text()
PAGE = (DATA / "haproxy-2.6-page.csv").read_text()
HEADER = PAGE.splitlines()[0]


def by_name(rows: tuple[Row, ...]) -> dict[tuple[str, str], Row]:
    """Return the rows by proxy and server name."""
    return {(str(row["pxname"]), str(row["svname"])): row for row in rows}


def csv(*rows: str, header: str = "# pxname,svname,type,weight,status,") -> str:
    """Return a small CSV as HAProxy ends its lines: with a comma."""
    return "\n".join([header, *rows, ""])


def test_both_answers_of_one_connection_are_read() -> None:
    """The answer to `show info;show stat` alone gives the process and its rows."""
    process, rows = parse_runtime(RUNTIME)
    assert process == Process(pid=16775, uptime_s=1, version="2.6.12-1+deb12u4", requests=10, maxconn=9983)
    assert len(rows) == 10


def test_the_servers_of_a_backend_are_neither_its_sum_nor_anything_else() -> None:
    """Only rows of servers and of that backend are its servers; the rows of a frontend's sockets are none."""
    found = backends(parse_runtime(RUNTIME)[1])
    assert {backend.name: [server.name for server in backend.servers] for backend in found} == {
        "web": ["web1", "web2"],
        "quoted": ["q1"],
    }


def test_counters_are_in_words_that_fit_every_product() -> None:
    """A real server's row, field by field; what `level user` hides is None."""
    web, quoted = backends(parse_runtime(RUNTIME)[1])
    assert (web.mode, web.algorithm, web.algorithm_told_by, web.persistent) == ("http", None, ToldBy.NOBODY, None)
    assert (web.requests, web.connections, web.statuses, web.denied) == (9, 9, {"2xx": 9}, 0)
    assert (web.queued, web.queued_max, web.active_servers, web.backup_servers, web.all_backups) == (0, 0, 2, 0, None)
    assert web.servers[1] == ServerCounters(
        name="web2",
        requests=6,
        connections=6,
        chosen=6,
        failed_connections=0,
        retries=0,
        redispatched=0,
        failed_responses=0,
        statuses={"1xx": 6, "2xx": 6},
        client_aborts=0,
        server_aborts=0,
        sessions_max=1,
        queued=0,
        queued_max=0,
        weight=2,
        effective_weight=2,
        weight_told_by=ToldBy.BALANCER,
        state=ServerState.UNCHECKED,
        status="no check",
        since_s=1,
        backup=False,
    )
    (down,) = quoted.servers
    assert (down.state, down.status, down.check, down.failed_checks) == (ServerState.DOWN, "DOWN", "L7STS", 1)


def test_a_page_with_legends_tells_algorithm_persistence_and_addresses() -> None:
    """What `level user` hides is told there, and by whom."""
    web = next(backend for backend in backends(parse_stat(PAGE)) if backend.name == "web")
    assert (web.algorithm, web.algorithm_told_by, web.persistent) == ("roundrobin", ToldBy.BALANCER, False)
    assert web.servers[0].address == "127.0.0.1:18001"


def test_the_cookie_of_a_server_is_told() -> None:
    """`level operator` shows the value that makes a client return to it, which answers may use as its name."""
    (web,) = backends([{"pxname": "web", "svname": "web1", "type": SERVER, "cookie": "A"}])
    assert web.servers[0].cookie == "A"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("UP", ServerState.SERVING),
        ("UP 1/3", ServerState.SERVING),
        ("no check", ServerState.UNCHECKED),
        ("DRAIN (agent)", ServerState.DRAINING),
        ("DOWN 1/2", ServerState.DOWN),
        ("MAINT (via web/web1)", ServerState.MAINTENANCE),
        ("NOLB", ServerState.STOPPING),
        ("a word of tomorrow", ServerState.OTHER),
    ],
)
def test_each_status_is_a_state(status: str, state: ServerState) -> None:
    """HAProxy's word for it is kept beside the state that every product has."""
    server = only_server({"status": status})
    assert (server.state, server.status) == (state, status)


def test_what_arrived_is_counted_beside_what_servers_answered() -> None:
    """A frontend's answers less those of its servers are the balancer's own; its sockets are no frontends."""
    reading = counters(ReadCounters(balancer="lb1", uri="unix:/s", when="after"), *parse_runtime(RUNTIME), 0.1)
    www, *others = reading.frontends
    assert www == FrontendCounters(name="www", requests=9, statuses={"2xx": 9}, denied=0, invalid=0)
    assert [frontend.name for frontend in others] == ["stats", "stats2"]
    assert jsonl.parse(Counters, jsonl.line(reading)) == reading


@pytest.mark.parametrize(
    ("version", "algorithm"),
    [
        ("2.6.12-1+deb12u4", "roundrobin"),
        ("3.2.0", "roundrobin"),
        ("3.3-dev5", "random"),
        ("3.10.1", "random"),
        ("10.0", "random"),
        ("unknown", None),
        (None, None),
    ],
)
def test_the_default_of_balance_goes_by_the_version(version: str | None, algorithm: str | None) -> None:
    """A configuration without `balance` means roundrobin up to 3.2 and random from 3.3 on."""
    assert default_algorithm(version) == algorithm


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ({"algo": "random", "cookie": "S"}, ("random", ToldBy.BALANCER, True)),
        ({"algo": "unknown"}, (None, ToldBy.NOBODY, False)),  # seen by `level operator`: no cookie is no cookie
        ({}, (None, ToldBy.NOBODY, None)),
    ],
)
def test_an_algorithm_that_is_not_named_is_not_told(shown: Row, told: object) -> None:
    """2.6 and 2.8 write `unknown` for random; that is no name of an algorithm."""
    (web,) = backends([{"pxname": "web", "svname": "BACKEND", "type": BACKEND, **shown}])
    assert (web.algorithm, web.algorithm_told_by, web.persistent) == told


@pytest.mark.parametrize(
    ("uweight", "throttle", "weight", "exact"),
    [
        # As HAProxy 2.6.12 wrote them during a slowstart of 20 s.
        (100, 6, 7, Fraction(100, 16)),
        (1, 7, 1, Fraction(1, 16)),
        (100, 12, 13, Fraction(200, 16)),
        (1, 19, 1, Fraction(3, 16)),
        (100, 31, 32, Fraction(500, 16)),
        (100, 62, 63, Fraction(1000, 16)),
        (100, 100, 100, Fraction(100)),
        (100, None, 0, Fraction(0)),  # no slow start: the weight at present is exact
    ],
)
def test_a_slow_start_is_exact(uweight: int, throttle: int | None, weight: int, exact: Fraction) -> None:
    """HAProxy rounds both columns; a sixteenth is a sixteenth."""
    cells: dict[str, int | str] = {"uweight": uweight, "weight": weight}
    server = only_server(cells if throttle is None else {**cells, "throttle": throttle})
    assert server.exact_weight == exact
    assert (server.weight, server.effective_weight) == (uweight, weight)


def test_without_weights_there_is_no_exact_one() -> None:
    """What a product does not tell is None."""
    assert ServerCounters(name="web1").exact_weight is None


@pytest.mark.parametrize(
    ("cells", "reached"),
    [
        ({"slim": 5, "smax": 4, "qmax": 0}, False),
        ({"slim": 5, "smax": 5, "qmax": 0}, True),
        ({"qmax": 3}, True),
        ({"smax": 900, "qmax": 0}, False),  # no limit
        ({"slim": 5}, None),
        ({}, None),
    ],
)
def test_a_limit_that_was_reached_shows(cells: Row, reached: bool | None) -> None:
    """A server was full once its sessions came to its maxconn, or a request waited."""
    assert only_server(cells).reached_limit is reached


def test_what_an_agent_says_is_told() -> None:
    """An agent may set weight and state."""
    assert only_server({"agent_status": "L7OK"}).agent == "L7OK"


def test_a_check_under_way_hides_no_earlier_one() -> None:
    """HAProxy marks the last status with a star while the next check runs."""
    server = only_server({"agent_status": "* CHECKED", "check_status": "* L4OK"})
    assert (server.agent, server.check) == ("CHECKED", "L4OK")


STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight \
srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state \
bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr \
srv_agent_port
3 web 1 web1 127.0.0.1 2 0 1 1 1 1 0 2 0 0 0 0 - 18001 - 0 0 - - 0
3 web 2 web2 ::1 0 5 2 7 1 1 0 0 8 0 0 0 localhost 18002 - 0 0 - - 0
4 quoted 1 q1 - 0 0 1 1 1 1 0 2 0 0 0 0 - 0 - 0 0 - - 0

"""  # as HAProxy 2.6.12 writes it


def servers_with(state: str) -> dict[str, ServerCounters]:
    """Return the recorded servers as they are known with this answer to the third question."""
    found = backends(parse_runtime(RUNTIME + state)[1])
    return {server.name: server for backend in found for server in backend.servers}


def test_addresses_are_told_by_another_table() -> None:
    """`level user` hides addresses in `show stat`, and gives them, like the weight as configured, in another answer."""
    found = servers_with(STATE)
    assert {name: server.address for name, server in found.items()} == {
        "web1": "127.0.0.1:18001",
        "web2": "[::1]:18002",
        "q1": None,  # a unix socket, or a name that does not resolve
    }
    assert [server.configured_weight for server in found.values()] == [1, 7, 1]
    assert found["web2"].requests == 6
    assert [server.reason for server in found.values()] == [None, "disabled in the configuration", None]


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        (0x01, "set to maintenance at run time"),
        (0x03, "the server that it tracks is in maintenance"),
        (0x04, None),  # disabled in the configuration, and enabled since
        (0x08, "set to drain at run time"),
        (0x10, "the server that it tracks is in drain"),
        (0x20, "its name does not resolve"),
        (0x40, None),
    ],
)
def test_why_a_server_is_held_back(bits: int, reason: str | None) -> None:
    """HAProxy's mask of reasons, in words."""
    assert servers_with(STATE.replace(" 0 5 2 7 ", f" 0 {bits} 2 7 "))["web2"].reason == reason


@pytest.mark.parametrize(
    "state",
    [
        "",
        "Permission denied\n\n",
        "Unknown command, but maybe one of the following ones is a better match:\n  help\n\n  quit\n\n",
        "2\n# another table\n3 web\n\n",
        STATE.replace("be_id", "id"),
        STATE.replace(" srv_id ", " id "),
        STATE.replace("3 web", "x web").replace("4 quoted 1", "4 quoted y"),
        STATE.replace(" web1 ", " a name ").replace(" web2 ", " b name ").replace(" q1 ", " c name "),
    ],
)
def test_without_that_table_the_rest_is_told(state: str) -> None:
    """What an old version or a stricter level answers costs the addresses, and nothing else."""
    found = servers_with(state)
    assert [(server.requests, server.address) for server in found.values()] == [(3, None), (6, None), (0, None)]


def test_a_page_says_addresses_itself() -> None:
    """The address of the CSV stands where there is no other."""
    assert only_server({"addr": "192.0.2.1:80"}).address == "192.0.2.1:80"


def test_an_empty_line_in_quotes_ends_no_answer() -> None:
    """Where the second answer ends is not for a health check's text to say."""
    text = RUNTIME.replace('"No, ""sorry"""', '"No,\n\n""sorry"""')
    assert text != RUNTIME
    assert [row.get("addr") for row in parse_runtime(text + STATE)[1]].count("127.0.0.1:18001") == 1


@pytest.mark.parametrize("end", range(1, len(STATE), 61))
def test_a_table_cut_anywhere_is_an_error(end: int) -> None:
    """An answer that ends before its end may be missing servers."""
    with pytest.raises(NotStatisticsError, match="cut before its end"):
        servers_with(STATE[:-end])


def only_server(*changes: Row) -> ServerCounters:
    """Return the one server of rows that differ by these cells."""
    row: Row = {"pxname": "web", "svname": "web1", "type": SERVER, "status": "UP", "weight": 1, "stot": 5}
    (web,) = backends([{**row, **cells} for cells in changes])
    (server,) = web.servers
    return server


def test_the_lines_of_one_server_are_one_server() -> None:
    """The role writes a line for each source address: their counts are the server's, and its weight is each line's."""
    server = only_server({"hrsp_2xx": 3}, {"svname": "web1.source2", "hrsp_2xx": 4, "hrsp_5xx": 1})
    assert (server.name, server.lines, server.requests, server.connections) == ("web1", 2, 8, 10)
    assert (server.effective_weight, server.status) == (1, "UP")


def test_of_several_lines_the_fullest_shows() -> None:
    """Each line has a limit of its own, and what waits for either waits for the server."""
    server = only_server(
        {"slim": 10, "smax": 9, "qcur": 1, "qmax": 2, "hrsp_4xx": 1, "cli_abrt": 2},
        {"svname": "web1.source2", "slim": 5, "smax": 5, "qcur": 1, "qmax": 1, "hrsp_4xx": 3, "cli_abrt": 1},
    )
    assert (server.sessions_max, server.session_limit, server.queued, server.queued_max) == (5, 5, 2, 3)
    assert (server.statuses, server.client_aborts, server.server_aborts) == ({"4xx": 4}, 3, None)


def test_a_server_serves_if_all_its_lines_do() -> None:
    """A line that is down, and weights that differ, show."""
    for lines in ([{}, {"status": "DOWN", "weight": 2}], [{"status": "DOWN"}, {"weight": 2}]):
        server = only_server(lines[0], {"svname": "web1.source2", **lines[1]})
        assert (server.status, server.effective_weight) == ("DOWN", 3)


def test_a_quoted_cell_holds_commas_and_quotes() -> None:
    """A health check's reason with comma and quotes leaves every other column in its place."""
    assert 'L7STS,503,0,0,0,0,0,0,0,,,,0,0,0,,,,,-1,"No, ""sorry"""' in RUNTIME
    row = by_name(parse_runtime(RUNTIME)[1])["quoted", "q1"]
    assert (row["check_status"], row["mode"], row["uweight"]) == ("L7STS", "http", 1)


def test_a_quoted_cell_holds_a_line_end() -> None:
    """A line end in quotes does not end the row."""
    (row,) = parse_stat(csv('web,web1,2,1,"no,\nsorry",'))
    assert row == {"pxname": "web", "svname": "web1", "type": 2, "weight": 1, "status": "no,\nsorry"}


def test_interim_responses_are_not_counted() -> None:
    """A server that says 103 before each 200 has answered 3 requests, though HAProxy's req_tot says 6."""
    assert "web,web1,0,0,0,1,,3,246,300" in RUNTIME
    assert backends(parse_runtime(RUNTIME)[1])[0].servers[0].requests == 3


def test_every_class_of_final_response_is_a_request_answered() -> None:
    """Errors that a server answers with are answers."""
    answers: Row = {"hrsp_2xx": 1, "hrsp_3xx": 2, "hrsp_4xx": 4, "hrsp_5xx": 8, "hrsp_other": 16}
    assert only_server(answers).requests == 31


def test_in_tcp_mode_no_requests_are_counted() -> None:
    """Without hrsp columns no requests are told, which is not 0 of them."""
    assert (only_server({}).requests, only_server({}).connections) == (None, 5)


def test_columns_are_found_by_name() -> None:
    """A version that orders its columns otherwise, and knows others, reads the same."""
    (row,) = parse_stat(csv("2,x,web1,-,web,7,", header="# type,new_column,svname,-,pxname,weight,"))
    assert row == {"type": 2, "svname": "web1", "pxname": "web", "weight": 7}


def test_legends_give_address_algorithm_and_cookie() -> None:
    """A page under `stats show-legends` tells what others keep to themselves."""
    rows = by_name(parse_stat(PAGE))
    assert (rows["web", "web1"]["addr"], rows["web", "web1"]["cookie"]) == ("127.0.0.1:18001", "a,b")
    assert rows["web", "BACKEND"]["algo"] == "roundrobin"


def test_an_empty_cell_is_absent() -> None:
    """Nothing is not zero: a server without a health check has no status of one."""
    assert "check_status" not in by_name(parse_stat(PAGE))["web", "web1"]


def test_names_of_digits_stay_text() -> None:
    """A server called 10 is not the number 10."""
    (row,) = parse_stat(csv("web,10,2,1,,"))
    assert row["svname"] == "10"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "an empty answer"),
        ("\n\n", "an empty answer"),
        (
            "<html><body>Please log in</body></html>",
            "not HAProxy's statistics: '<html><body>Please log in</body></html>'",
        ),
        (csv(), "statistics without a single frontend, backend or server"),
        (csv("web,web1,2,1,"), "the row of 'web/web1' has 5 fields, the header 6"),
        (csv("web,web1,2,1,,,"), "the row of 'web/web1' has 7 fields, the header 6"),
        (csv("web,web1,2,1e3,,"), "the row of 'web/web1' has '1e3' as weight, which is no number"),
        (csv("web,web1,2,٣,,"), "the row of 'web/web1' has '\\u0663' as weight, which is no number"),
        (csv("web,web1,2,1" + "0" * 15 + ",,"), "which is no number"),
        (csv('web,web1,2,1,"open,'), "broken CSV (unexpected end of data)"),
        (csv("web," + "x" * 200_000 + ",2,1,,"), "a row of more than 65,536 characters"),
        (csv("web,web1,2,1,,", header="# pxname,svname,type,weight,weight,"), "two columns called 'weight'"),
        (csv(header="# pxname,svname,type" + ",c" * 1000), "the CSV has 1,003 columns, more than 1,000"),
        (csv(*[""] * (MOST_ROWS + 1)), "more than 100,000 rows"),
        (csv("," * ROW_LIMIT), "a row of more than 65,536 characters"),
        (csv('"' + "\n" * ROW_LIMIT), "a row of more than 65,536 characters"),
        # What 2.3.0 to 2.3.2 wrote now and then (haproxy #992): cells go missing, the length is right.
        (csv("web,,,,,"), "the row of 'web/' lacks its name or type; HAProxy 2.3.0 to 2.3.2 write such rows"),
        (csv("web,p091,,1,,"), "the row of 'web/p091' lacks its name or type"),
    ],
)
def test_what_is_no_statistics_is_told_apart(text: str, sentence: str) -> None:
    """Whatever is not wholly HAProxy's CSV is an error that says what it is."""
    with pytest.raises(NotStatisticsError) as caught:
        parse_stat(text)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("end", range(0, len(RUNTIME), 97))
def test_an_answer_cut_anywhere_is_an_error(end: int) -> None:
    """No beginning of a real answer passes for the whole."""
    with pytest.raises(NotStatisticsError):
        parse_runtime(RUNTIME[:end])


def test_what_is_no_runtime_api_is_told_apart() -> None:
    """The answer of a port that HAProxy balances is shown, and safe to show."""
    with pytest.raises(NotStatisticsError, match=r"not HAProxy's runtime API: 'HTTP/1\.1 400 \\x1b\[31m'"):
        parse_info("HTTP/1.1 400 \x1b[31m")


def test_the_head_of_the_page_names_the_process() -> None:
    """The HTML page tells pid, uptime and version."""
    head = (DATA / "haproxy-2.6-page-head.html").read_text()
    process = parse_page_head(head)
    assert process.pid
    assert (process.uptime_s, process.version) == (0, "2.6.12-1+deb12u4")


def test_days_and_hours_of_uptime_are_seconds() -> None:
    """The page writes an uptime in days, hours, minutes and seconds."""
    assert parse_page_head("<b>uptime = </b> 2d 3h04m05s<br>").uptime_s == 2 * 86400 + 3 * 3600 + 4 * 60 + 5


def test_a_head_that_tells_nothing_is_not_known() -> None:
    """Another page names no process; that is no error here."""
    assert parse_page_head("<html>hello</html>") == Process()


def test_a_long_text_is_shown_by_its_beginning() -> None:
    """At most 60 characters of an answer are shown."""
    assert beginning("x" * 61) == "'" + "x" * 60 + "'…"


@pytest.mark.parametrize(
    ("version", "cycles"), [("2.6.12-1+deb12u4", 1), ("3.1.9", 1), ("3.2.0", 16), ("10.0", 16), ("", 16), (None, 16)]
)
def test_from_3_2_on_each_thread_group_may_have_a_cycle(version: str | None, cycles: int) -> None:
    """How many groups there are is not told, so as many as can be are assumed."""
    assert cycles_of(version) == cycles

"""What HAProxy's statistics say, read from real ones (HAProxy 2.6.12) and from broken ones."""

from pathlib import Path

import pytest

from lbcheck.wire.haproxy import (
    LISTENER,
    NotStatisticsError,
    Process,
    Row,
    beginning,
    parse_info,
    parse_page_head,
    parse_runtime,
    parse_stat,
    requests_of,
    servers,
)

DATA = Path(__file__).parent / "data"
RUNTIME = (DATA / "haproxy-2.6-runtime.txt").read_text()
PAGE = (DATA / "haproxy-2.6-page.csv").read_text()
HEADER = PAGE.splitlines()[0]


def by_name(rows: tuple[Row, ...]) -> dict[tuple[str, str], Row]:
    """Return the rows by proxy and server name."""
    return {(str(row["pxname"]), str(row["svname"])): row for row in rows}


def csv(*rows: str, header: str = "# pxname,svname,type,weight,last_chk,") -> str:
    """Return a small CSV as HAProxy ends its lines: with a comma."""
    return "\n".join([header, *rows, ""])


def test_both_answers_of_one_connection_are_read() -> None:
    """The answer to `show info;show stat` gives the process and its rows."""
    process, rows = parse_runtime(RUNTIME)
    assert process == Process(pid=16775, uptime_s=1, version="2.6.12-1+deb12u4", node="lb1")
    assert len(rows) == 10


def test_the_servers_of_a_backend_are_neither_its_sum_nor_anything_else() -> None:
    """Only rows of type 2 and of that backend are its servers."""
    _, rows = parse_runtime(RUNTIME)
    assert [(row["svname"], row["weight"]) for row in servers(rows, "web")] == [("web1", 1), ("web2", 2)]


def test_listening_sockets_are_not_servers() -> None:
    """`option socket-stats` adds rows to a frontend; they have a type of their own and serve nothing."""
    _, rows = parse_runtime(RUNTIME)
    assert by_name(rows)["www", "one"]["type"] == LISTENER
    assert servers(rows, "www") == ()


def test_a_quoted_cell_holds_commas_and_quotes() -> None:
    """A health check's reason with comma and quotes leaves every other column in its place."""
    row = by_name(parse_runtime(RUNTIME)[1])["quoted", "q1"]
    assert (row["last_chk"], row["check_code"], row["mode"]) == ('No, "sorry"', 503, "http")


def test_a_quoted_cell_holds_a_line_end() -> None:
    """A line end in quotes does not end the row."""
    (row,) = parse_stat(csv('web,web1,2,1,"no,\nsorry",'))
    assert row == {"pxname": "web", "svname": "web1", "type": 2, "weight": 1, "last_chk": "no,\nsorry"}


def test_interim_responses_are_not_counted() -> None:
    """A server that says 103 before each 200 has answered 3 requests, though HAProxy's req_tot says 6."""
    row = by_name(parse_runtime(RUNTIME)[1])["web", "web1"]
    assert (row["hrsp_1xx"], row["req_tot"], requests_of(row)) == (3, 6, 3)


def test_every_class_of_final_response_is_a_request_answered() -> None:
    """Errors that a server answers with are answers."""
    row: Row = {"hrsp_1xx": 99, "hrsp_2xx": 1, "hrsp_3xx": 2, "hrsp_4xx": 4, "hrsp_5xx": 8, "hrsp_other": 16}
    assert requests_of(row) == 31


def test_in_tcp_mode_no_requests_are_counted() -> None:
    """Without hrsp columns there are no requests, and no error."""
    assert requests_of({"pxname": "tcp", "svname": "web1", "type": 2, "stot": 5}) == 0


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
    """Nothing is not zero: a server without a limit has no slim."""
    assert "slim" not in by_name(parse_stat(PAGE))["web", "web1"]


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
        (csv("web," + "x" * 200_000 + ",2,1,,"), "broken CSV (field larger than field limit (131072))"),
        (csv("web,web1,2,1,,", header="# pxname,svname,type,weight,weight,"), "two columns called 'weight'"),
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
    assert process.pid > 0
    assert (process.uptime_s, process.version) == (0, "2.6.12-1+deb12u4")


def test_days_and_hours_of_uptime_are_seconds() -> None:
    """The page writes an uptime in days, hours, minutes and seconds."""
    assert parse_page_head("<b>uptime = </b> 2d 3h04m05s<br>").uptime_s == 2 * 86400 + 3 * 3600 + 4 * 60 + 5


def test_a_head_that_tells_nothing_is_not_known() -> None:
    """Another page names no process; that is no error here."""
    assert parse_page_head("<html>hello</html>") == Process(pid=0, uptime_s=-1, version="")


def test_a_long_text_is_shown_by_its_beginning() -> None:
    """At most 60 characters of an answer are shown."""
    assert beginning("x" * 61) == "'" + "x" * 60 + "'…"

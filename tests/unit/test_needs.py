"""What a fill needs, what there is, and how the difference is said."""

import pytest

from lbcheck.probing.fill.needs import PROCESS_BYTES, Needs, Room, gigabytes, needs, sentence, shortages

NEED = Needs(connections=1000, processes=4, files=2000, memory_bytes=8_000_000_000)
AMPLE = Room(descriptors=20_000, files=2000, processes=4, memory_bytes=8_000_000_000)


def test_needs_grow_with_connections_and_processes() -> None:
    """A connection takes its bytes and files, a process its own memory."""
    assert needs(10, 2, pair_bytes=7000, files_each=2) == Needs(10, 2, 20, 70_000 + 2 * PROCESS_BYTES)


def test_what_is_just_enough_is_enough() -> None:
    """Exactly what is needed is no shortage."""
    assert shortages(NEED, AMPLE) == []


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (Room(20_000, 2000, 4, 4_000_000_000), "8.0 GB of memory are needed and 4.0 GB are there, enough for 500"),
        (Room(20_000, 2000, 4, -1), "enough for 0"),
        (
            Room(20_000, 1999, 4, 8_000_000_000),
            "2,000 open files are needed and the system has 1,999 left (fs.file-max",
        ),
        (Room(20_000, 2000, 3, 8_000_000_000), "4 processes of 20,000 file descriptors are needed and 3 processes are"),
        (Room(64, 2000, 4, 8_000_000_000), "64 file descriptors a process are too few (ulimit -Hn)"),
        (Room(67, 2000, 4, 8_000_000_000), "67 file descriptors a process are too few (ulimit -Hn)"),
    ],
)
def test_each_shortage_names_what_is_needed_and_what_there_is(room: Room, said: str) -> None:
    """One clause, with both numbers and the setting that limits it."""
    [clause] = shortages(NEED, room)
    assert said in clause


def test_all_shortages_are_named_at_once() -> None:
    """Nobody mends one only to meet the next."""
    assert len(shortages(NEED, Room(20_000, 0, 0, 0))) == 3


def test_the_sentence_puts_needs_beside_room() -> None:
    """Before it begins, a fill says what it takes and what there is."""
    said = sentence(NEED, Room(20_000, 5000, 7, 12_000_000_000))
    assert said == (
        "1,000 connections need 4 processes (there are 7 left, 20,000 file descriptors each), 2,000 files (5,000) and "
        "8.0 GB of memory (12.0 GB)"
    )


def test_bytes_are_said_as_people_read_them() -> None:
    """Megabytes below a hundred of them, gigabytes above; what is not there is none, never less."""
    assert [gigabytes(n) for n in (2_400_000, 100_000_000, 15_900_000_000)] == ["2 MB", "0.1 GB", "15.9 GB"]
    assert gigabytes(-5_000_000) == "0 MB"

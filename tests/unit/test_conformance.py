"""The conformance command on real vectors, on doctored ones and on files that are none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.cli import main
from phantom_arbiter.conformance import VectorFileError, read_vectors, run_file

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
UPGRADABLE = VECTORS / "orca_whirlpool.jsonl.gz"
IMMUTABLE = VECTORS / "orca_whirlpool_immutable.jsonl.gz"


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command as `phantom conformance …` would."""

    def invoke(*words: str) -> Outcome:
        status = main(["conformance", *words])
        written = capsys.readouterr()
        return Outcome(status, written.out, written.err)

    return invoke


Run = Callable[..., Outcome]


def doctored(path: Path, change: Callable[[dict[str, Any]], None], into: Path) -> Path:
    with gzip.open(path, "rt") as stream:
        lines = [json.loads(line) for line in stream]
    for line in lines:
        change(line)
    with gzip.open(into, "wt") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)
    return into


@pytest.mark.parametrize(
    ("path", "swaps", "failures"),
    [(UPGRADABLE, 1024, 155), (IMMUTABLE, 1000, 154)],
    ids=["upgradable", "immutable"],
)
def test_every_vector_is_equal_failures_included(path: Path, swaps: int, failures: int) -> None:
    report = run_file(read_vectors(path))
    assert (report.swaps, report.equal, report.failures_expected) == (swaps, swaps, failures)
    assert (report.instructions, report.instructions_equal) == (swaps, swaps)
    assert report.passed


def test_command_exits_0_when_all_files_are_equal(run: Run) -> None:
    outcome = run(str(UPGRADABLE), str(IMMUTABLE), "--json")
    assert outcome.exit_code == 0
    summary = json.loads(outcome.stdout)
    assert summary["passed"] is True
    assert [file["equal"] for file in summary["files"]] == [1024, 1000]


def test_one_unit_off_is_found_and_named(tmp_path: Path, run: Run) -> None:
    def change(line: dict[str, Any]) -> None:
        if line["t"] == "swap" and line["id"] == 1:
            line["result"]["user_out"] += 1

    path = doctored(UPGRADABLE, change, tmp_path / "off.jsonl.gz")
    outcome = run(str(path), "--json")
    assert outcome.exit_code == 1
    file = json.loads(outcome.stdout)["files"][0]
    assert file["equal"] == 1023
    assert file["differences"] == [
        {"id": 1, "kind": "plain", "op": "swap", "fields": {"user_out": {"expected": 6, "got": 5}}}
    ]
    text = run(str(path))
    assert "DIFFERENT" in text.stdout
    assert "user_out: expected 6, got 5" in text.stdout


def test_another_error_is_a_difference(tmp_path: Path) -> None:
    def change(line: dict[str, Any]) -> None:
        if line["t"] == "swap" and line["id"] == 5:
            line["error"]["code"] = 6039

    path = doctored(UPGRADABLE, change, tmp_path / "error.jsonl.gz")
    report = run_file(read_vectors(path))
    assert [(each.swap_id, each.fields[0].name) for each in report.differences] == [(5, "error code")]


def test_another_account_in_the_instruction_is_found_and_named(tmp_path: Path, run: Run) -> None:
    def change(line: dict[str, Any]) -> None:
        if line["t"] == "swap" and line["id"] == 1:
            line["ix"]["accounts"][7] = ["11111111111111111111111111111111", "w"]
        if line["t"] == "swap" and line["id"] == 2:
            line["ix"]["data"] = line["ix"]["data"][:-2] + "07"

    path = doctored(UPGRADABLE, change, tmp_path / "account.jsonl.gz")
    outcome = run(str(path), "--json")
    assert outcome.exit_code == 1
    file = json.loads(outcome.stdout)["files"][0]
    assert (file["equal"], file["instructions_equal"], file["instructions_compared"]) == (1024, 1022, 1024)
    first, second = file["differences"]
    assert list(first["fields"]) == ["instruction's account 7"]
    assert first["fields"]["instruction's account 7"]["expected"] == (
        "11111111111111111111111111111111 writable"
    )
    assert list(second["fields"]) == ["instruction's data"]
    assert "1022/1024" in run(str(path)).stdout


def test_vector_without_an_instruction_is_compared_without_it(tmp_path: Path) -> None:
    def change(line: dict[str, Any]) -> None:
        if line["t"] == "swap" and line["id"] % 2:
            line["ix"] = None

    report = run_file(read_vectors(doctored(IMMUTABLE, change, tmp_path / "without.jsonl.gz")))
    assert report.passed
    assert report.instructions == report.instructions_equal == 500


def test_unknown_venue_is_said_to_be_unsupported_and_exits_1(tmp_path: Path, run: Run) -> None:
    def change(line: dict[str, Any]) -> None:
        if line["t"] == "meta":
            line["dex"] = "lifinity"

    path = doctored(UPGRADABLE, change, tmp_path / "other.jsonl.gz")
    outcome = run(str(path))
    assert outcome.exit_code == 1
    assert "not supported yet" in outcome.stdout


def test_explain_shows_expected_and_got(tmp_path: Path, run: Run) -> None:
    outcome = run(str(UPGRADABLE), "--explain", "1", "--json")
    assert outcome.exit_code == 0
    fields = {each["field"]: each for each in json.loads(outcome.stdout)["fields"]}
    assert fields["post_sqrt_price"]["got"] == 250389886962763262534
    assert run(str(UPGRADABLE), "--explain", "1").exit_code == 0
    assert run(str(UPGRADABLE), "--explain", "99999").exit_code == 2
    assert run(str(UPGRADABLE), str(IMMUTABLE), "--explain", "1").exit_code == 2


def write_gzip(path: Path, *lines: str) -> Path:
    with gzip.open(path, "wt") as stream:
        stream.writelines(line + "\n" for line in lines)
    return path


META = '{"t": "meta", "dex": "orca_whirlpool", "source": "real-program", "program_id": "x"}'


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path, "no such file"),
        (lambda path: path.parent, "directory"),
        (lambda path: path.write_bytes(b"plain text") and path, "not a gzip file"),
        (lambda path: path.write_bytes(UPGRADABLE.read_bytes()[:5000]) and path, "torn or corrupt"),
        (lambda path: write_gzip(path, "{not json"), "line 1 is not JSON"),
        (lambda path: write_gzip(path, "[1]"), "no JSON object"),
        (lambda path: write_gzip(path, '{"hello": 1}'), "not a vector file"),
        (lambda path: write_gzip(path, META), "no swap"),
        (lambda path: write_gzip(path, META, '{"t": "wish"}'), "unknown type"),
        (lambda path: write_gzip(path, META, '{"t": "swap", "id": 1, "state": 7}'), "state 7"),
        (
            lambda path: write_gzip(
                path,
                META,
                '{"t": "account", "id": 1, "key": "k", "owner": "o", "data": "!"}',
                '{"t": "state", "id": 1, "accounts": [1], "pool": "k", "clock": {}}',
                '{"t": "swap", "id": 1, "state": 1, "op": "swap", "ok": true, "args": {}}',
            ),
            "state 1",
        ),
    ],
)
def test_what_is_no_vector_file_is_one_sentence_and_exit_2(
    make: Callable[[Path], Path], says: str, tmp_path: Path, run: Run
) -> None:
    outcome = run(str(make(tmp_path / "file.jsonl.gz")))
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("phantom: error: ")
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert says in outcome.stderr


def test_amount_beyond_64_bits_names_its_swap(tmp_path: Path) -> None:
    def change(line: dict[str, Any]) -> None:
        if line["t"] == "swap" and line["id"] == 3:
            line["args"]["amount"] = 2**64

    path = doctored(UPGRADABLE, change, tmp_path / "large.jsonl.gz")
    with pytest.raises(VectorFileError, match="swap 3"):
        run_file(read_vectors(path))

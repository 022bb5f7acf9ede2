"""`phantom recordings` and `phantom replay`: what they print, and with which status they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from phantom_arbiter.cli import main
from phantom_arbiter.sources.recorded import DEMO_RECORDING
from recorded_sessions import demo_header, demo_records, write_parts

Check = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder, so that paths in what is printed are the same everywhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


@pytest.fixture
def parts(place: Path) -> list[str]:
    """The beginning of the shipped day, in parts."""
    records = demo_records(6_000)
    middle_ns = records[3_000].arrival_ns
    paths = write_parts(place / "day.phrec", records, demo_header(), max_file_ns=middle_ns, level=1)
    return [path.name for path in paths]


def torn(parts: list[str]) -> str:
    whole = Path(parts[0])
    Path("torn.phrec").write_bytes(whole.read_bytes()[:-1])
    return "torn.phrec"


def test_show_says_what_a_file_holds(
    parts: list[str], capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(["recordings", parts[1]]) == 0
    matches_snapshot("recordings-part", capsys.readouterr().out)


def test_json_has_the_same(parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "--json", parts[0], torn(parts)]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["path"], first["whole"], first["torn_at"]) == (parts[0], True, None)
    assert first["part"] == {"recording": "demo", "number": 1, "began_ns": 0, "carried": 0}
    assert first["frames"] == sum(endpoint["frames"] for endpoint in first["endpoints"])
    assert not second["whole"]
    assert second["torn_at"] < second["file_bytes"]
    assert second["records"] == first["records"]


def test_verify_names_what_is_not_whole(parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "--verify", *parts]) == 0
    assert capsys.readouterr().out.count(": whole, ") == len(parts)
    damaged = bytearray(Path(parts[0]).read_bytes())
    damaged[damaged.index(b"BLCK") + 60] ^= 1
    Path("damaged.phrec").write_bytes(damaged)
    Path("text.phrec").write_text("hello")
    files = [parts[0], torn(parts), "damaged.phrec", "text.phrec", "gone.phrec"]
    assert main(["recordings", *files, "--verify"]) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert len(lines) == len(files)
    assert "whole" in lines[0]
    assert "torn at byte" in lines[1]
    assert "corrupt at record 0" in lines[2]
    assert "not a recording" in lines[3]
    assert "does not exist" in lines[4]
    assert shown.err == "phantom: error: 4 of 5 recordings are not whole\n"


def test_replay_of_parts_gives_what_the_whole_gives(
    parts: list[str], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = write_parts(place / "whole.phrec", demo_records(6_000), demo_header())[0].name
    summaries = []
    for number, files in enumerate([[whole], parts[::-1]]):
        words = ["--ui", "plain", "--json", "--journal", f"{number}.sqlite"]
        assert main(["replay", *files, *words]) == 0
        summaries.append(json.loads(capsys.readouterr().out))
    first, second = summaries
    assert first["state_digest"] == second["state_digest"]
    assert first["trades"] == second["trades"]


def test_replay_is_run_with_a_recording(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digests = []
    for words in (["replay", str(DEMO_RECORDING)], ["run", "--recording", str(DEMO_RECORDING)]):
        assert main([*words, "--ui", "plain", "--json", "--journal", f"{words[0]}.sqlite"]) == 0
        summary = json.loads(capsys.readouterr().out)
        digests.append((summary["state_digest"], summary["trades"], summary["source"]))
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["replay", "gone.phrec"], 2, "recording gone.phrec does not exist"),
        (["replay"], 2, "Missing argument"),
        (["recordings", "gone.phrec"], 1, "`gone.phrec` does not exist"),
        (["recordings", "export", "gone.phrec", "--out", "x.parquet"], 1, "`gone.phrec` does not exist"),
        (["record", "--account", "abc"], 2, "--account abc: not an address"),
        (["record", "--for", "long"], 2, "--for is `long`"),
        (["record"], 2, "no endpoint with a ws_url to record from"),
    ],
)
def test_error_is_one_sentence(
    words: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in shown.err
    assert shown.err.count("\n") == 1


def test_export_prints_its_files(parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow", reason="needs phantom-arbiter[parquet]")
    assert main(["recordings", "export", *parts, "--out", "x.parquet", "--json"]) == 0
    frames, writes = json.loads(capsys.readouterr().out)
    assert (frames["path"], frames["rows"]) == ("x-frames.parquet", 6_000)
    assert 0 < writes["rows"] < 6_000
    assert main(["recordings", "export", torn(parts), "--out", "y.parquet"]) == 1
    assert "torn.phrec is torn at byte" in capsys.readouterr().err

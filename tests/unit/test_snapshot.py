"""Reading snapshots: the forms that are accepted, and what is said of the others."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest

from phantom_arbiter.sources.snapshot import SnapshotAccount, SnapshotError, is_snapshot, read_snapshot

DATA = base64.b64encode(b"\x01\x02").decode()
FLAT = {"pubkey": "P", "owner": "O", "data": DATA, "slot": 5}
NODE = {"pubkey": "P", "account": {"owner": "O", "data": [DATA, "base64"], "lamports": 1}}
EXPECTED = SnapshotAccount("P", "O", b"\x01\x02", 5)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(FLAT),
        f"{json.dumps(FLAT)}\n\n",
        json.dumps([{**NODE, "slot": 5}]),
        json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"context": {"slot": 5}, "value": [NODE]}}),
    ],
)
@pytest.mark.parametrize("compressed", [True, False])
def test_accepted_forms_hold_the_same_account(tmp_path: Path, text: str, compressed: bool) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
    assert is_snapshot(path)
    assert read_snapshot(path) == [EXPECTED]


def test_answer_without_context_and_account_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps({"result": [NODE, {"pubkey": "Q", "account": None}]}))
    assert read_snapshot(path) == [
        SnapshotAccount("P", "O", b"\x01\x02", 0),
        SnapshotAccount("Q", None, None, 0),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no account"),
        ("[]", "holds no account"),
        ("{", "line 1 is not JSON"),
        (f"{json.dumps(FLAT)}\n{{", "line 2 is not JSON"),
        ("7", "is no list of accounts"),
        ('{"result": 7}', "is no list of accounts"),
        ("[7]", "account 1 is no JSON object"),
        (json.dumps({"result": {"value": [{"owner": "O", "data": [DATA, "base64"]}]}}), "getProgramAccounts"),
        (json.dumps({"pubkey": "P", "data": DATA}), "has no owner"),
        (json.dumps({**FLAT, "slot": -1}), "slot is -1"),
        (json.dumps({**FLAT, "slot": True}), "slot is True"),
        (json.dumps({**FLAT, "data": "?"}), "is not base64"),
        (json.dumps({**FLAT, "data": [DATA, "base64+zstd"]}), "ask the node for encoding base64"),
    ],
)
def test_what_is_no_snapshot_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(text)
    with pytest.raises(SnapshotError, match=says) as caught:
        read_snapshot(path)
    assert str(path) in str(caught.value)


def test_torn_gzip_and_wrong_bytes_are_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.gz"
    path.write_bytes(gzip.compress(json.dumps(FLAT).encode() * 50)[:-20])
    with pytest.raises(SnapshotError, match="torn or corrupt"):
        read_snapshot(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SnapshotError, match="not UTF-8"):
        read_snapshot(path)
    with pytest.raises(SnapshotError, match="does not exist"):
        read_snapshot(tmp_path / "gone")
    with pytest.raises(SnapshotError, match="cannot be read"):
        is_snapshot(tmp_path)

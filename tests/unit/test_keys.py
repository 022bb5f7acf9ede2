"""Keys: where they are read from, what is refused, and that nothing of them is ever shown."""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair
from solders.signature import Signature

from phantom_arbiter.errors import ConfigError, MissingExtraError, WalletError
from phantom_arbiter.key_source import KeySource, key_source
from phantom_arbiter.keys import copy_key, load_signer, new_key
from phantom_core import Signer
from wallet_samples import key_file, secrets_of

PAIR = Keypair.from_seed(bytes(range(32)))
ARRAY = json.dumps(list(bytes(PAIR)))
BASE64 = base64.b64encode(bytes(PAIR)).decode()
FORMS = (ARRAY, str(PAIR), ARRAY.replace(", ", ","), f"\n {ARRAY}\n", f"{PAIR}\n")


@pytest.mark.parametrize("text", FORMS)
def test_a_key_is_read_in_the_forms_that_wallets_write(tmp_path: Path, text: str) -> None:
    signer = load_signer(key_file(tmp_path / "id.json", text))
    assert signer.address == str(PAIR.pubkey())
    signature = Signature.from_bytes(signer.sign(b"message"))
    assert signature.verify(PAIR.pubkey(), b"message")
    assert load_signer(key_source("env:K"), {"K": text}).address == signer.address


@given(st.binary(min_size=32, max_size=32))
def test_any_key_is_read_from_base58_and_from_numbers(seed: bytes) -> None:
    pair = Keypair.from_seed(seed)
    for text in (str(pair), json.dumps(list(bytes(pair)))):
        assert load_signer(KeySource("env", "K"), {"K": text}).address == str(pair.pubkey())


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "[]",
        "[1,2,3]",
        ARRAY[:-1],
        ARRAY.replace("[", "[256,", 1),
        ARRAY.replace(", ", " ", 1),
        ARRAY.replace(", ", ",,", 1),
        ARRAY.replace("[0", "[-0", 1),
        ARRAY + "x",
        "[" + ARRAY + "]",
        str(PAIR)[:-1],
        str(PAIR) + "1",
        "1" + str(PAIR),
        "0" + str(PAIR)[1:],
        "z" * 88,
        "z" * 91,
        str(PAIR.pubkey()),
        json.dumps(list(bytes(PAIR)[:32]) + [0] * 32),
        json.dumps(list(bytes(PAIR)[32:]) * 2),
        "x" * 2_000,
    ],
)
def test_what_is_no_key_is_refused_without_being_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(WalletError) as caught:
        load_signer(key_file(tmp_path / "id.json", text))
    said = str(caught.value)
    assert "id.json" in said
    assert all(secret not in said for secret in secrets_of(PAIR))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    with pytest.raises(WalletError):
        load_signer(KeySource("env", "K"), {"K": text})


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WalletError, match="is no key"):
        load_signer(key_file(tmp_path / "id.json", bytes(PAIR)))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601])
def test_a_file_that_others_may_use_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    source = key_file(tmp_path / "id.json", ARRAY, mode=mode)
    with pytest.raises(WalletError, match=rf"has mode {mode:04o}: .*; hint: chmod 600 .*id\.json"):
        load_signer(source)
    Path(source.name).chmod(0o400)
    assert load_signer(source).address == str(PAIR.pubkey())


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = key_file(tmp_path / "id.json", ARRAY)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(WalletError, match="belongs to user"):
        load_signer(source)


def test_a_link_is_followed_if_it_is_ours_and_a_folder_open_to_all_is_refused(tmp_path: Path) -> None:
    source = key_file(tmp_path / "id.json", ARRAY)
    link = tmp_path / "link.json"
    link.symlink_to(source.name)
    assert load_signer(KeySource("file", str(link))).address == str(PAIR.pubkey())
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    inside = key_file(open_folder / "id.json", ARRAY)
    open_folder.chmod(0o777)
    with pytest.raises(WalletError, match="anybody may replace it; hint: chmod o-w"):
        load_signer(inside)
    open_folder.chmod(0o1777)
    assert load_signer(inside).address == str(PAIR.pubkey())


def test_a_link_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a link away")
    source = key_file(tmp_path / "id.json", ARRAY)
    link = tmp_path / "link.json"
    link.symlink_to(source.name)
    os.chown(link, 12_345, -1, follow_symlinks=False)
    with pytest.raises(WalletError, match="a link that another user made"):
        load_signer(KeySource("file", str(link)))


def test_no_regular_file_and_no_file_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(WalletError, match="no regular file"):
        load_signer(KeySource("file", str(tmp_path / "pipe")))
    with pytest.raises(WalletError, match="is no regular file"):
        load_signer(KeySource("file", str(tmp_path)))
    with pytest.raises(WalletError, match=r"No such file.*; hint: phantom wallet new"):
        load_signer(KeySource("file", str(tmp_path / "gone")))


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(WalletError, match="the environment variable WALLET_KEY is not set"):
        load_signer(KeySource("env", "WALLET_KEY"), {})


# ---- keyring


class Ring(types.ModuleType):
    """A keyring that keeps its entries in a dictionary."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.entries: dict[tuple[str, str], str] = {}
        self.broken = False

    def get_password(self, service: str, name: str) -> str | None:
        if self.broken:
            raise RuntimeError(f"locked, it holds {self.entries}")
        return self.entries.get((service, name))

    def set_password(self, service: str, name: str, text: str) -> None:
        self.entries[service, name] = text


def test_the_keyring_keeps_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring()
    monkeypatch.setitem(sys.modules, "keyring", ring)
    target = key_source("keyring:main")
    with pytest.raises(WalletError, match="has no entry main"):
        load_signer(target)
    address = new_key(target)
    assert load_signer(target).address == address
    (text,) = ring.entries.values()
    with pytest.raises(WalletError, match="it is not overwritten"):
        new_key(target)
    assert list(ring.entries.values()) == [text]
    ring.broken = True
    with pytest.raises(WalletError, match="the keyring refuses: RuntimeError") as caught:
        load_signer(target)
    assert text[1:40] not in str(caught.value)
    assert caught.value.__suppress_context__


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'phantom-arbiter\[keyring\]'"):
        load_signer(KeySource("keyring", "main"))


# ---- writing


def test_a_new_key_goes_to_a_file_of_its_owner_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "id.json"
    before = os.umask(0)
    try:
        address = new_key(KeySource("file", str(path)))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    pair = Keypair.from_json(path.read_text())
    assert str(pair.pubkey()) == address == load_signer(KeySource("file", str(path))).address
    held = path.read_bytes()
    with pytest.raises(WalletError, match="exists, it is not overwritten"):
        new_key(KeySource("file", str(path)))
    assert path.read_bytes() == held
    assert new_key(KeySource("file", str(tmp_path / "other.json"))) != address


def test_a_key_is_copied_between_places(tmp_path: Path) -> None:
    source = key_file(tmp_path / "id.json", str(PAIR))
    target = KeySource("file", str(tmp_path / "copy.json"))
    assert copy_key(source, target) == str(PAIR.pubkey())
    assert json.loads(Path(target.name).read_text()) == list(bytes(PAIR))
    typed = bytearray(ARRAY.encode())
    assert copy_key(typed, KeySource("file", str(tmp_path / "third.json"))) == str(PAIR.pubkey())
    assert not any(typed), "what was typed is overwritten"
    assert Path(target.name).read_text() == ARRAY.replace(" ", "")
    with pytest.raises(WalletError, match="the environment cannot be written"):
        copy_key(source, KeySource("env", "K"))


# ---- what is never shown


@pytest.mark.parametrize("prefix", ["", " ", "env:", "keyring:", "env: ", "./"])
@pytest.mark.parametrize("text", [str(PAIR), ARRAY, ARRAY[1:-1], bytes(PAIR).hex(), BASE64, f"{ARRAY}\n"])
def test_a_key_in_place_of_its_name_is_not_repeated(prefix: str, text: str) -> None:
    with pytest.raises(ConfigError, match="looks like a key itself") as caught:
        key_source(prefix + text)
    assert all(secret not in str(caught.value) for secret in (*secrets_of(PAIR), text))


def test_a_file_whose_path_looks_like_a_key_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ("a" * 70)).touch()
    assert key_source("./" + "a" * 70).kind == "file"
    assert key_source(str(tmp_path / "id.json")).kind == "file"
    for short in ("env:WALLET_KEY", "keyring:main"):
        assert str(key_source(short)) == short


def test_paths_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(WalletError, match="a link that leads to itself"):
        load_signer(KeySource("file", str(tmp_path / "loop")))
    with pytest.raises(WalletError, match="no home folder"):
        load_signer(KeySource("file", "~nosuchuser/id.json"))


def test_bytes_in_the_environment_that_are_no_text_are_no_key() -> None:
    with pytest.raises(WalletError, match="is no key"):
        load_signer(KeySource("env", "K"), {"K": os.fsdecode(b"\xff\xfe" * 20)})


@pytest.mark.parametrize(
    "text", [ARRAY[:-1], ARRAY.replace("[0", "[1", 1), f"{PAIR}0", f"{PAIR}x" * 20, "[[1]]"]
)
def test_a_crash_report_with_local_variables_does_not_hold_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("WALLET_KEY", text)
    sources = [KeySource("env", "WALLET_KEY"), key_file(tmp_path / "id.json", text)]
    monkeypatch.setitem(sys.modules, "keyring", ring := Ring())
    ring.entries["phantom-arbiter", "main"] = text
    for source in (*sources, KeySource("keyring", "main")):
        with pytest.raises(WalletError) as caught:
            load_signer(source)
        # The first frame is this test's own.
        inner = caught.value.__traceback__
        assert inner is not None
        report = traceback.TracebackException(WalletError, caught.value, inner.tb_next, capture_locals=True)
        shown = "".join(report.format())
        assert "load_signer" in shown
        assert [secret for secret in (*secrets_of(PAIR), text) if secret in shown] == []


def test_a_signer_shows_its_address_only(tmp_path: Path) -> None:
    signer = load_signer(key_file(tmp_path / "id.json", ARRAY))
    ways: list[Callable[[object], str]] = [repr, str, "{}".format, ascii]
    for way in ways:
        assert str(PAIR.pubkey()) in way(signer)
        assert all(secret not in way(signer) for secret in secrets_of(PAIR))
    with pytest.raises(TypeError):
        pickle.dumps(signer)
    assert not hasattr(signer, "__dict__")


def test_the_buffer_is_overwritten_when_the_signer_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[bytearray] = []

    class Watching:
        @staticmethod
        def from_bytes(key: bytearray) -> Signer:
            seen.append(key)
            return Signer.from_bytes(key)

    monkeypatch.setattr("phantom_arbiter.keys.Signer", Watching)
    load_signer(key_file(tmp_path / "id.json", ARRAY))
    (buffer,) = seen
    assert len(buffer) == 64
    assert not any(buffer)

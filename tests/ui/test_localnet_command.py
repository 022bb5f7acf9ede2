"""`phantom localnet`: what it prints, how it ends, and what it says when it cannot start."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("solders")

from phantom_arbiter.cli import main
from phantom_arbiter.config_sources import load

COMMAND = [sys.executable, "-m", "phantom_arbiter", "localnet", "--port", "0"]


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_json_gives_addresses_that_answer_and_ends_with_counters() -> None:
    with start("--json", "--endpoints", "2", "--rate", "5000", "--seed", "9") as process:
        found = json.loads(line_of(process))
        assert [each["name"] for each in found["endpoints"]] == ["local-0", "local-1"]
        body = b'{"jsonrpc":"2.0","id":1,"method":"getHealth"}'
        for each in found["endpoints"]:
            with urllib.request.urlopen(urllib.request.Request(each["http"], body), timeout=10) as answer:
                assert json.loads(answer.read())["result"] == "ok"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        last: dict[str, Any] = json.loads(out)
        assert last["endpoints"][1]["requests"] == {"getHealth": 1}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_people_get_a_line_for_each_endpoint_and_one_sentence_at_the_end(number: signal.Signals) -> None:
    with start("--source", "empty") as process:
        words = line_of(process).split()
        assert words[0] == "local-0"
        http, ws = words[1:]
        assert http.startswith("http://127.0.0.1:")
        assert int(ws.rsplit(":", 1)[1]) == int(http.rsplit(":", 1)[1]) + 1
        assert line_of(process).startswith("control ")
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Ctrl-C stops" in err
        assert "stopped in slot" in err


def test_a_block_engine_is_served_on_ports_of_its_own(tmp_path: Path) -> None:
    faults = tmp_path / "engine.toml"
    faults.write_text("[[region]]\nper_s = 5.0\n")
    words = ["--block-engine", "--regions", "2", "--engine-faults", str(faults), "--source", "empty"]
    with start("--json", *words) as process:
        found = json.loads(line_of(process))
        assert [each["name"] for each in found["regions"]] == ["amsterdam", "dublin"]
        body = b'{"jsonrpc":"2.0","id":1,"method":"getTipAccounts","params":[]}'
        for each in found["regions"]:
            request = urllib.request.Request(each["url"] + "/api/v1/bundles", body)
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert len(json.loads(answer.read())["result"]) == 8
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert json.loads(out)["regions"][1]["requests"] == {"getTipAccounts": 1}
    with start(*words) as process:
        assert [line_of(process).split()[0] for _ in range(4)] == [
            "local-0",
            "amsterdam",
            "dublin",
            "control",
        ]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.mark.parametrize(("source", "pools", "plain_mints"), [("simulator", 27, False), ("demo", 9, True)])
def test_settings_it_writes_are_those_of_the_net(
    tmp_path: Path, source: str, pools: int, plain_mints: bool
) -> None:
    path, accounts = tmp_path / "net.toml", set()
    for _ in range(2):  # the second replaces the first's
        with start(
            "--json", "--endpoints", "2", "--block-engine", "--source", source, "--write-config", str(path)
        ) as process:
            found = json.loads(line_of(process))
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
            assert process.returncode == 0, err
        accounts.add(load({}, path).config.risk.account)
    assert len(accounts) == 2, "both begin at the same slot: what was tried on one is nothing to the other"
    config = load({}, path).config
    assert found["config_file"] == str(path)
    assert [
        (each.name, *(url.reveal() for url in (each.http_url, each.ws_url) if url))
        for each in config.endpoints
    ] == [(each["name"], each["http"], each["ws"]) for each in found["endpoints"]]
    assert [(each.name, each.url.reveal()) for each in config.block_engines] == [
        (each["name"], each["url"]) for each in found["regions"]
    ]
    assert len(set(config.discovery.pools)) == pools
    assert config.engine.assume_plain_mints is plain_mints


def test_settings_of_somebody_else_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, words = tmp_path / "own.toml", ["localnet", "--port", "0", "--source", "empty", "--write-config"]
    own.write_text("[engine]\nmax_hops = 4\n")
    assert main([*words, str(own)]) == 2
    assert f"{own} exists and was not written by phantom localnet" in capsys.readouterr().err
    assert own.read_text() == "[engine]\nmax_hops = 4\n"
    assert main([*words, str(tmp_path / "none" / "x.toml")]) == 2
    error = capsys.readouterr().err
    assert error.endswith("none/x.toml cannot be written: No such file or directory\n")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--source", "gone.phrec"], "source gone.phrec does not exist"),
        (["--faults", "gone.toml"], "fault file gone.toml cannot be read: No such file or directory"),
        (
            ["--engine-faults", "x.toml"],
            "there is no block engine for --engine-faults; hint: add --block-engine",
        ),
        (["--regions", "2"], "there is no block engine for --regions; hint: add --block-engine"),
        (["--block-engine", "--regions", "9"], "regions is 9, it may be 0 to 8"),
        (["--endpoints", "0"], "endpoints is 0, it may be 1 to 64"),
        (["--rate", "fast"], "rate is fast, it may be a number of writes per second or max"),
        (["--venue", "phoenix"], "there is no venue phoenix; hint: known are meteora_damm_v2, "),
        (["--program", "x=y"], "program is x=y, it may be an address, = and a file"),
        (["--program", "11111111111111111111111111111111=y"], "program file y does not exist"),
    ],
)
def test_wrong_options_are_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["localnet", "--port", "0", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"phantom: error: {message}")
    assert error.count("\n") == 1


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["localnet", "--source", "empty", "--port", str(port)]) == 2
    hint = "hint: choose others with --port; 0 takes any free ones"
    assert capsys.readouterr().err == f"phantom: error: port {port} is in use; {hint}\n"


def test_an_interrupt_while_it_starts_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("phantom_arbiter.localnet.serve.run", interrupted)
    assert main(["localnet"]) == 1
    assert capsys.readouterr().err.strip() == "phantom: error: interrupted"

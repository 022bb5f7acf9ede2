"""Recording from sockets, with real processes: kill -9, a full disk, Ctrl-C."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from phantom_arbiter.commands.record_line import RecordLine
from phantom_arbiter.errors import ConfigError, RecordingError
from phantom_arbiter.replay.parts import RecordingParts
from phantom_arbiter.replay.recorder import FeedSource, Rotation, new_recorder, record
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.sink import Sink, receiver_of
from phantom_arbiter.sources.websocket import account
from phantom_core import RecorderStats, Recording
from ws_endpoint import FakeEndpoint, eventually

ACCOUNT = "So11111111111111111111111111111111111111112"


class Script:
    """A source that hands over a few frames, then ends or waits."""

    connections: Sequence[str] = ("here/0",)

    def __init__(self, frames: Sequence[bytes], *, waits: bool = False) -> None:
        self.frames = frames
        self.waits = waits

    async def run(self, sink: Sink) -> None:
        sink.connected("here/0")
        receive = receiver_of(sink, "here/0")
        try:
            for frame in self.frames:
                receive(frame)
            if self.waits:
                await asyncio.Event().wait()
        finally:
            sink.disconnected("here/0")


def test_source_that_ends_is_recorded_whole(tmp_path: Path) -> None:
    reports: list[tuple[RecorderStats, int]] = []

    async def session() -> None:
        recorder = new_recorder(tmp_path / "x.phrec", Script.connections, description="a script")
        await record(
            Script([b"one", b"two"]),
            recorder,
            stop=asyncio.Event(),
            on_progress=lambda *report: reports.append(report),
        )

    asyncio.run(session())
    recording = Recording(tmp_path / "x-0001.phrec")
    assert [(entry.kind, entry.frame) for entry in recording] == [
        ("connect", b""),
        ("received", b"one"),
        ("received", b"two"),
        ("disconnect", b""),
    ]
    assert recording.torn_at is None
    stats, connections = reports[-1]
    assert (stats.frames, stats.waiting_bytes, connections) == (2, 0, 0)


def test_stop_ends_a_source_and_records_its_end(tmp_path: Path) -> None:
    async def session() -> None:
        stop = asyncio.Event()
        recorder = new_recorder(tmp_path / "x.phrec", (), description="a script")
        asyncio.get_running_loop().call_soon(stop.set)
        await record(Script([b"one"], waits=True), recorder, stop=stop)

    asyncio.run(session())
    parts = RecordingParts(sorted(tmp_path.iterdir()))
    assert [entry.kind for entry in parts] == ["connect", "received", "disconnect"]


def test_disk_that_refuses_a_new_file_ends_the_recording_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "x-0002.phrec").write_bytes(b"mine")

    async def session() -> None:
        recorder = new_recorder(
            tmp_path / "x.phrec", ("here/0",), description="a script", rotation=Rotation(max_bytes=1)
        )
        await record(Script([b"one"], waits=True), recorder, stop=asyncio.Event())

    with pytest.raises(RecordingError, match=r"x-0002.phrec` already exists"):
        asyncio.run(session())
    assert Recording(tmp_path / "x-0001.phrec").torn_at is None


def test_feed_names_as_many_connections_as_it_needs() -> None:
    endpoint = Endpoint(
        name="here",
        ws_url=SecretUrl("ws://localhost:1/"),
        max_subscriptions_per_connection=3,
        max_connections=4,
    )
    accounts = [account(ACCOUNT[:-1] + letter) for letter in "23456"]
    assert FeedSource([endpoint], accounts).connections == ["here/0", "here/1", "here/2"]
    assert FeedSource([endpoint], accounts * 9).connections == [f"here/{number}" for number in range(4)]
    assert FeedSource([endpoint], []).connections == ["here/0"]


# ---- the command, as a process of its own

COMMAND = "import sys; from phantom_arbiter.cli import main; sys.exit(main(sys.argv[1:]))"
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)); " + COMMAND


async def phantom_record(
    folder: Path, server: FakeEndpoint, *words: str, code: str = COMMAND
) -> asyncio.subprocess.Process:
    """Start `phantom record` on `server` and wait until its subscription is confirmed."""
    (folder / "c.toml").write_text(
        f'[[endpoints]]\nname = "here"\nws_url = "ws://localhost:{server.port}/?api-key=SECRETKEY0123456789"\n'
    )
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-c",
            code,
            "record",
            "x.phrec",
            "--account",
            ACCOUNT,
            "--config",
            "c.toml",
            *words,
        ),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    await eventually(lambda: process.returncode is not None or any(c.subjects() for c in server.clients))
    return process


def slots_of(path: Path) -> list[int]:
    """Return the slots of the recorded writes."""
    frames = [json.loads(entry.frame) for entry in Recording(path) if entry.kind == "received"]
    return [
        frame["params"]["result"]["context"]["slot"]
        for frame in frames
        if frame.get("method") == "accountNotification"
    ]


def test_killed_recorder_loses_at_most_the_last_second(tmp_path: Path) -> None:
    async def session() -> list[float]:
        sent: list[float] = []
        async with FakeEndpoint() as server:
            process = await phantom_record(tmp_path, server)
            began = time.monotonic()
            while time.monotonic() < began + 1.7:
                await server.notify(server.clients[0], slot=100 + len(sent))
                sent.append(time.monotonic())
                await asyncio.sleep(0.01)
            process.kill()
            killed = time.monotonic()
            await process.communicate()
        return [killed - at for at in sent]

    ages = asyncio.run(session())
    path = tmp_path / "x-0001.phrec"
    found = slots_of(path)
    assert found == list(range(100, 100 + len(found)))
    assert len(found) >= sum(age > 1.0 for age in ages) > 20
    assert Recording(path).torn_at is not None


def test_interrupted_recorder_closes_its_file_and_says_what_it_holds(tmp_path: Path) -> None:
    async def session() -> tuple[int | None, str, str]:
        async with FakeEndpoint() as server:
            process = await phantom_record(tmp_path, server, "--json")
            for slot in range(5):
                await server.notify(server.clients[0], slot=100 + slot)
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    status, out, err = asyncio.run(session())
    assert status == 0, err
    path = tmp_path / "x-0001.phrec"
    assert Recording(path).torn_at is None
    assert [entry.kind for entry in Recording(path)][-1] == "disconnect"
    assert json.loads(out)["lost"] == 0
    assert json.loads(out)["frames"] == sum(entry.kind == "received" for entry in Recording(path))
    assert "SECRETKEY" not in out + err + json.dumps(Recording(path).header)


def test_full_disk_is_one_line_and_the_file_stays_valid(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="needs POSIX file size limits")

    async def session() -> tuple[int | None, str]:
        async with FakeEndpoint() as server:
            process = await phantom_record(tmp_path, server, code=FULL)
            ended = asyncio.ensure_future(process.communicate())
            number = 0
            while not ended.done():
                for client in server.clients:
                    number += 1
                    noise = os.urandom(3_000).hex()
                    await server.notify(client, slot=100 + number, data=noise)
                await asyncio.sleep(0.01)
            return process.returncode, ended.result()[1].decode()

    status, err = asyncio.run(session())
    assert status == 1
    errors = [line for line in err.splitlines() if line.startswith("phantom: ")]
    assert len(errors) == 1
    assert "cannot write recording `x-0001.phrec`: File too large" in errors[0]
    assert "Traceback" not in err
    recording = Recording(tmp_path / "x-0001.phrec")
    assert recording.torn_at == (tmp_path / "x-0001.phrec").stat().st_size
    assert recording.records == len(list(recording)) > 0


def test_nothing_to_record_from_is_a_configuration_error(tmp_path: Path) -> None:
    from phantom_arbiter.commands.record import _endpoints, parse_duration
    from phantom_arbiter.config import Config

    with pytest.raises(ConfigError, match=r"no endpoint with a ws_url .*\[\[endpoints\]\]"):
        _endpoints(Config(), [])
    with pytest.raises(ConfigError, match="--endpoint gone is not configured; hint: configured: none"):
        _endpoints(Config(), ["gone"])
    assert [parse_duration("--for", text) for text in ("90s", "10m", "2h", "1d", None)] == [
        90,
        600,
        7_200,
        86_400,
        None,
    ]
    for text in ("", "0s", "10", "-1s", "1w", "1.5h"):
        with pytest.raises(ConfigError, match="--for is"):
            parse_duration("--for", text)


def test_line_redraws_on_a_terminal_and_is_rare_elsewhere(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    now = [0]
    recorder = new_recorder(tmp_path / "x.phrec", ("here/0",), description="a script")
    shown = {}
    for stream in (Terminal(), io.StringIO()):
        now[0] = 0
        with RecordLine(stream, lambda: now[0]) as line:
            for _ in range(25):
                now[0] += 500_000_000
                line.show(recorder.stats(), 3)
        shown[stream.isatty()] = stream.getvalue()
    recorder.close()
    assert shown[True].count("\r") == 25
    assert shown[False].splitlines() == [shown[False].splitlines()[0]] * 2
    assert shown[False].startswith("frames 0  0/s  0.0 MB in ")
    assert "connections 3  x-0001.phrec" in shown[False]

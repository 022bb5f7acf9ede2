"""The dashboard's server against real browsers' bytes: what it says, to how many, and what it bears."""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dashboard_stage import Stage, hear, hear_until, stage, until
from phantom_arbiter.config_dashboard import DashboardSettings
from phantom_arbiter.errors import HintedError
from phantom_arbiter.galaxy import browser as browser_module
from phantom_arbiter.galaxy import server as server_module
from phantom_arbiter.galaxy.app import Parts
from phantom_arbiter.galaxy.files import Pages
from phantom_arbiter.galaxy.server import Dashboard
from phantom_arbiter.galaxy.snapshots import snapshot_of
from phantom_arbiter.telemetry import records as r
from phantom_arbiter.telemetry.model import RunModel


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 110))


# ---- what is said


def test_a_browser_hears_the_session_the_run_and_then_every_record_as_it_was_said(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            await at.run.step(10)
            await at.heard(at.run.sample.seq)
            async with at.watch() as browser:
                assert await hear(browser) == {"type": "session", "control": False, "viewer": 1}
                assert (await hear(browser))["type"] == "hello"
                model = RunModel()
                raw = await browser.recv(decode=False)
                model.apply(msgspec.json.decode(raw, type=r.Snapshot))
                assert snapshot_of(model) == snapshot_of(at.hub.model)
                happened = [*await at.run.step(5), at.run.sample.status(), at.run.sample.trade()]
                await at.run.tell(*happened[-2:])
                for record in happened:
                    assert await browser.recv(decode=False) == msgspec.json.encode(record)
                await browser.send('{"type":"ping"}')
                await at.run.tell(at.run.sample.end())
                await hear_until(browser, "end")
                await at.run.stop()
                assert (await hear(browser)).keys() == {"type", "since_unix_ms"}
            async with at.watch() as late:
                heard = [(await hear(late))["type"] for _ in range(5)]
                assert heard == ["session", "hello", "snapshot", "end", "away"]

    run(test())


def test_the_next_run_is_followed_and_begins_anew(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, starts=False) as at:
            assert (await at.http.get("/api/history")).status_code == 503
            async with at.watch() as browser:
                assert [(await hear(browser))["type"] for _ in range(2)] == ["session", "away"]
                await at.run.start()
                await hear_until(browser, "snapshot")
                await at.run.step(3)
                await hear_until(browser, "changes")
                await at.run.stop()
                await hear_until(browser, "away")
                before = (await at.http.get("/api/history")).json()
                assert before["to"]["seq"] == at.run.sample.seq
                at.run.sample = type(at.run.sample)(5, seed=9)
                at.run.hello = msgspec.structs.replace(at.run.hello, run_id=8)
                await at.run.start()
                assert (await hear_until(browser, "hello"))["run_id"] == 8
                assert len((await hear_until(browser, "snapshot"))["market"]["pools"]) == 5
                after = (await at.http.get("/api/history")).json()
                assert after["from"]["seq"] == after["to"]["seq"] == at.run.sample.seq

    run(test())


@pytest.mark.parametrize("garbage", [b"", b"{}", b"\xff\xfe", b'{"type":"mystery"}', b"[" * 10_000])
def test_what_is_no_record_is_not_passed_on(
    tmp_path: Path, garbage: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at, at.watch() as browser:
            await hear_until(browser, "snapshot")
            for writer in at.run._writers:
                writer.write(struct.pack("<I", len(garbage)) + garbage)
            for kind in ("away", "hello", "snapshot"):
                assert (await hear(browser))["type"] == kind
            await at.run.tell(notice := at.run.sample.notice("still here"))
            assert await browser.recv(decode=False) == msgspec.json.encode(notice)

    run(test())
    assert capfd.readouterr().err.startswith("dashboard: what the run says is not understood: ")


# ---- the history


def test_history_is_scrubbed_and_played_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            happened = await at.run.step(60)
            await at.heard(at.run.sample.seq)
            shown = (await at.http.get("/api/history")).json()
            first, last = shown["from"], shown["to"]
            assert set(first) == {"seq", "at_ns", "unix_ms", "slot"}
            assert last["seq"] == at.run.sample.seq
            opened = {o.id for each in happened if isinstance(each, r.Changes) for o in each.market.opened}
            assert {mark["id"] for mark in shown["marks"] if mark["kind"] == "opened"} == opened
            middle = (first["seq"] + last["seq"]) // 2
            scene = (await at.http.get(f"/api/history/at?seq={middle}")).json()
            assert (scene["type"], scene["seq"]) == ("snapshot", middle)
            played = (await at.http.get(f"/api/history/since?seq={middle}&limit=7")).json()
            assert [record["seq"] for record in played] == list(range(middle + 1, middle + 8))
            beyond = (await at.http.get("/api/history/at?seq=99999999")).json()
            assert beyond["seq"] == last["seq"]
            early = await at.http.get("/api/history/at?seq=0")
            assert early.status_code == 410
            assert f"begins at seq {first['seq']}" in early.json()["error"]
            pool = (await at.http.get("/api/pools/3/history")).json()
            assert set(pool) == {"at_ns", "unix_ms", "price", "depth_a", "depth_b"}
            assert len({len(column) for column in pool.values()}) == 1
            mint = at.hub.model.pools[3].mint_a
            pools = (await at.http.get(f"/api/mints/{mint}/history")).json()["pools"]
            assert {"n": 3, **pool} in pools

    run(test())


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/history/at", 400, "seq is a number"),
        ("/api/history/at?seq=-1", 400, "seq is a number"),
        ("/api/history/at?seq=1e3", 400, "seq is a number"),
        ("/api/history/at?seq=99999999999999999999999", 400, "seq is a number"),
        ("/api/history/since?seq=4&limit=0", 400, "limit is a number from 1 to 1000"),
        ("/api/history/since?seq=0", 410, "begins at"),
        ("/api/curve?cycle=123456", 404, "no cycle 123456"),
        ("/api/curve?cycle=1&points=9999", 400, "points is a number from 2 to 256"),
        ("/api/pools/77/history", 404, "no pool 77"),
        ("/api/pools/x/history", 400, "the pool's number is a number"),
        ("/api/mints/x/history", 404, "no pool has that mint"),
        ("/api/runs", 503, "does not exist"),
        ("/api/runs/x/trades", 400, "the run's id is a number"),
        ("/api/runs/1/trades?limit=501", 400, "limit is a number from 1 to 500"),
        ("/nothing", 404, "there is nothing here"),
        ("/assets/../../config.py", 404, "there is nothing here"),
    ],
)
def test_errors_are_one_sentence(tmp_path: Path, path: str, status: int, said: str) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            answer = await at.http.get(path)
            assert answer.status_code == status
            assert list(answer.json()) == ["error"]
            assert said in answer.json()["error"]

    run(test())


def test_a_curve_is_asked_of_the_run(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            await at.run.step(30)
            await at.heard(at.run.sample.seq)
            opening, cycle = next(iter(at.hub.model.open.items()))
            curve = (await at.http.get(f"/api/curve?cycle={opening}&points=5")).json()
            assert curve["type"] == "curve"
            assert len(curve["amounts_in"]) == len(curve["gross_profits"]) == 5
            asked = at.run.asked[-1]
            assert isinstance(asked, r.AskCurve)
            assert asked.edges == cycle.opened.edges
            at.run.answer = lambda _: None
            ask = asyncio.create_task(at.http.get(f"/api/curve?cycle={opening}"))
            await until(lambda: len(at.run.asked) == 2)
            await at.run.stop()
            answer = await ask
            assert (answer.status_code, answer.json()) == (503, {"error": "the run is gone"})
            answer = await at.http.get(f"/api/curve?cycle={opening}")
            assert answer.status_code == 503
            assert "away" in answer.json()["error"]

    run(test())


# ---- control


def test_control_needs_its_own_right(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            answer = await at.http.post("/api/control", json={"action": "halt"})
            assert answer.status_code == 403
            assert "without control rights" in answer.json()["error"]
        async with stage(tmp_path, control=True) as at:
            right = {"X-Phantom-Control": at.control_token}
            async with at.watch() as browser:
                assert (await hear(browser))["control"] is True

            async def ask(body: Any, **headers: str) -> tuple[int, str]:
                answer = await at.http.post("/api/control", content=body, headers=headers)
                return answer.status_code, answer.text

            assert (await ask('{"action":"halt"}'))[0] == 403
            assert (await ask('{"action":"halt"}', **{"X-Phantom-Control": "x" * 43}))[0] == 403
            assert at.run.asked == []
            status, text = await ask('{"action":"halt"}', **right)
            assert (status, json.loads(text)) == (200, {"action": "halt", "done": True})
            (asked,) = at.run.asked
            assert isinstance(asked, r.Control)
            assert (asked.action, asked.by) == ("halt", "dashboard")
            for body in ('{"action":"sell"}', "", "[]", '{"action":"halt","x":1}', b"\xff"):
                assert (await ask(body, **right))[0] == 400
            assert (await ask("x" * 5_000, **right))[0] == 413
            at.run.answer = lambda asked: r.Done(id=asked.id, error="it is halted by the file")
            status, text = await ask('{"action":"resume"}', **right)
            assert (status, json.loads(text)) == (409, {"error": "it is halted by the file"})

    run(test())


def test_control_of_one_run_is_never_given_to_another(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, control=True) as at:
            right = {"X-Phantom-Control": at.control_token}
            meant = {"run_id": at.run.hello.run_id, "began_unix_ms": at.run.hello.began_unix_ms}
            for other in ({"run_id": meant["run_id"] + 1}, {"began_unix_ms": meant["began_unix_ms"] - 1}):
                body = {"action": "stop", **meant, **other}
                answer = await at.http.post("/api/control", json=body, headers=right)
                assert answer.status_code == 409
                assert "another run is followed by now" in answer.json()["error"]
            assert at.run.asked == []
            answer = await at.http.post("/api/control", json={"action": "halt", **meant}, headers=right)
            assert (answer.status_code, len(at.run.asked)) == (200, 1)

    run(test())


def test_control_is_slow_to_guess_and_slow_to_repeat(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, control=True) as at:
            right = {"X-Phantom-Control": at.control_token}
            wrong = {"X-Phantom-Control": "guess"}
            guesses = [await at.http.post("/api/control", headers=wrong) for _ in range(6)]
            assert [answer.status_code for answer in guesses] == [403] * 5 + [429]
            assert "wrong control tokens" in guesses[-1].json()["error"]
            # Guessing at the same address, and behind a proxy all have one, stops no owner.
            answers = []
            for _ in range(11):
                answers.append(await at.http.post("/api/control", json={"action": "halt"}, headers=right))
            assert [answer.status_code for answer in answers] == [200] * 10 + [429]

    run(test())


def test_control_of_a_run_that_is_away_or_cannot(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, starts=False, control=True) as at:
            right = {"X-Phantom-Control": at.control_token}
            answer = await at.http.post("/api/control", json={"action": "stop"}, headers=right)
            assert answer.status_code == 503
            at.run.hello = msgspec.structs.replace(at.run.hello, controls=("halt",))
            await at.run.start()
            await until(lambda: at.hub.model.hello is not None)
            answer = await at.http.post("/api/control", json={"action": "stop"}, headers=right)
            assert (answer.status_code, answer.json()) == (
                409,
                {"error": "this run cannot be asked to stop"},
            )

    run(test())


# ---- browsers that misbehave


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.one_of(
        st.text(max_size=2_000),
        st.binary(max_size=2_000),
        st.sampled_from(['{"type":"ping","x":1}', '{"type":"halt"}', "[" * 900, '{"type":"ping"}' * 200]),
    )
)
def test_garbage_closes_the_socket_that_sent_it_and_no_other(garbage_stage: Stage, said: str | bytes) -> None:
    at = garbage_stage
    loop = LOOPS[-1]

    async def test() -> None:
        async with at.watch() as witness:
            async with at.watch() as browser:
                await hear_until(browser, "snapshot")
                await browser.send(said)
                with pytest.raises(ConnectionClosed) as closed:
                    await hear_until(browser, "never")
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code in (1008, 1009)
            await hear_until(witness, "snapshot")
            await at.run.tell(notice := at.run.sample.notice("still here"))
            assert (await hear_until(witness, "notice"))["seq"] == notice.seq

    loop.run_until_complete(asyncio.wait_for(test(), 110))


LOOPS: list[asyncio.AbstractEventLoop] = []


@pytest.fixture
def garbage_stage(tmp_path: Path) -> Any:
    loop = asyncio.new_event_loop()
    LOOPS.append(loop)
    context = stage(tmp_path)
    # The stage is a context of one task: it must be entered and left by the same one.
    begun: asyncio.Future[Stage] = loop.create_future()
    done = asyncio.Event()

    async def hold() -> None:
        async with context as at:
            begun.set_result(at)
            await done.wait()

    task = loop.create_task(hold())
    yield loop.run_until_complete(begun)
    done.set()
    loop.run_until_complete(task)
    loop.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x81\x85\x00\x00\x00\x00\xff\xfe\xfd\xfc\xfb",  # text that is no UTF-8
        b"\x81\x05hello",  # not masked
        b"\xf1\x80\x00\x00\x00\x00",  # reserved bits
        b"\x83\x80\x00\x00\x00\x00",  # an opcode that does not exist
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",  # nine exabytes to come
        b"\x89\xfe\x01\x00\x00\x00\x00\x00" + b"x" * 256,  # a ping that is too long
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(range(256)) * 8,
    ],
)
def test_broken_frames_end_that_connection(tmp_path: Path, sent: bytes, capfd: Any) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(
                b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            await until(lambda: len(at.hub.browsers) == 1)
            writer.write(sent)
            await until(lambda: len(at.hub.browsers) == 0)
            while await reader.read(65_536):
                pass
            writer.close()
            assert (await at.http.get("/healthz")).text == "ok\n"

    run(test())
    assert capfd.readouterr() == ("", "")


def test_a_browser_that_never_reads_loses_records_and_gets_a_snapshot_when_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_module, "MAX_BACKLOG_BYTES", 200_000)

    async def test() -> None:
        async with stage(tmp_path, pools=400) as at, at.watch() as reading:
            read = asyncio.create_task(_read_all(reading))
            sleeper = await _sleeper(at)
            await until(lambda: len(at.hub.browsers) == 2)
            while at.hub.lost == 0:
                await at.run.step(5, updates=300)
                await at.heard(at.run.sample.seq)
            await at.run.step(20, updates=300)
            await at.heard(at.run.sample.seq)
            (behind,) = [each for each in at.hub.browsers if each.is_behind]
            assert behind._backlog_bytes == 0
            messages = _messages(sleeper)
            last = at.run.sample.seq
            seen = []
            async for message in messages:
                seen.append((message["type"], message.get("seq", 0)))
                if seen[-1] == ("snapshot", last):
                    break
            kinds = [kind for kind, _ in seen]
            assert kinds[:3] == ["session", "hello", "snapshot"]
            assert kinds.count("snapshot") == 2
            assert kinds.count("hello") == 1
            await at.run.tell(at.run.sample.notice("on we go"))
            async for message in messages:
                assert message["text"] == "on we go"
                break
            await until(lambda: seqs[-1] == at.run.sample.seq)
            assert seqs == list(range(seqs[0], seqs[-1] + 1)), "the one that reads has lost nothing"
            sleeper[1].close()
            read.cancel()

    seqs: list[int] = []

    async def _read_all(browser: Any) -> None:
        await hear_until(browser, "snapshot")
        async for raw in browser:
            seqs.append(json.loads(raw)["seq"])

    run(test())


def test_a_browser_that_takes_no_byte_for_long_is_closed(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, pools=400) as at:
            sleeper = await _sleeper(at)
            await until(lambda: len(at.hub.browsers) == 1)
            (browser,) = at.hub.browsers
            while browser._socket.has_room:
                await at.run.step(5, updates=300)
                await at.heard(at.run.sample.seq)
            now = asyncio.get_running_loop().time()
            at.hub.end_stalled(now)
            at.hub.end_stalled(now + 10)
            assert at.hub.browsers == {browser}
            at.hub.end_stalled(now + 41)
            assert at.hub.browsers == set()
            assert at.hub.too_slow == 1
            kinds = [message["type"] async for message in _messages(sleeper)]
            assert kinds[:3] == ["session", "hello", "snapshot"]
            sleeper[1].close()

    run(test())


def test_pings_of_who_never_reads_pile_nothing_up(tmp_path: Path) -> None:
    pings = b"\x89\xfd\x00\x00\x00\x00" + b"x" * 125

    async def test() -> None:
        async with stage(tmp_path) as at:
            _, writer = await _sleeper(at)
            await until(lambda: len(at.hub.browsers) == 1)
            (browser,) = at.hub.browsers
            for _ in range(200):
                writer.write(pings * 400)
                await writer.drain()
            await until(lambda: not browser._socket.has_room)
            assert browser._socket.transport.get_write_buffer_size() < 2 * 1024 * 1024
            assert browser._socket.is_open
            writer.close()

    run(test())


def test_what_follows_a_moment_is_told_in_parts_of_a_megabyte(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            assert at.hub.history.first is not None
            seq, parts = at.hub.history.first.seq, 0
            for _ in range(30):
                await at.run.tell(at.run.sample.notice("x" * 100_000))
            await at.heard(at.run.sample.seq)
            while seq < at.run.sample.seq:
                answer = await at.http.get(f"/api/history/since?seq={seq}&limit=1000")
                assert len(answer.content) <= (1 << 20) + 102_000
                records = answer.json()
                assert records[0]["seq"] == seq + 1
                seq, parts = records[-1]["seq"], parts + 1
            assert parts > 1

    run(test())


def test_two_hundred_watch_of_whom_fifty_never_read(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, pools=100) as at, asyncio.TaskGroup() as tasks:
            sleepers = [await _sleeper(at) for _ in range(50)]
            hearing = [tasks.create_task(_hear_to(at, "the end")) for _ in range(150)]
            await until(lambda: len(at.hub.browsers) == 200)
            for _ in range(10):
                await at.run.step(4, updates=50)
                await at.heard(at.run.sample.seq)
            await at.run.tell(at.run.sample.notice("the end"))
            heard = [await task for task in hearing]
            assert all(seqs == heard[0][-len(seqs) :] for seqs in heard)
            assert {seqs[-1] for seqs in heard} == {at.run.sample.seq}
            for _, writer in sleepers:
                writer.close()

    async def _hear_to(at: Stage, text: str) -> list[int]:
        seqs = []
        async with at.watch() as browser:
            await hear_until(browser, "snapshot")
            while (message := await hear(browser)).get("text") != text:
                seqs.append(message["seq"])
            return [*seqs, message["seq"]]

    run(test())


def test_more_than_may_watch_are_told_so(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, max_viewers=2) as at, at.watch(), at.watch():
            with pytest.raises(InvalidStatus) as refused:
                async with at.watch():
                    pass
            assert refused.value.response.status_code == 503
            assert "2 browsers watch already" in str(refused.value.response.body)

    run(test())


async def _sleeper(at: Stage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a browser that has shaken hands and reads no further than its small buffers."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", at.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=4_096)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _messages(sleeper: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> Any:
    """Yield what comes, once it reads after all: whole frames, or the test fails."""
    reader, _ = sleeper
    while True:
        try:
            opcode, length = await reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await reader.readexactly(8))
            body = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        if opcode == 0x88:
            assert struct.unpack("!H", body[:2]) == (1013,)
            return
        assert opcode == 0x81
        yield json.loads(body)


# ---- files


def test_pages_are_served_packed_and_for_ever_by_their_hash(tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    script = b"console.log('stars')" * 50
    (static / "index.html").write_text("<!doctype html><title>Galaxy</title>")
    (static / "assets" / "app-1a2b.js").write_bytes(script)
    (static / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(script))
    (static / "assets" / "app-1a2b.js.br").write_bytes(b"not really brotli")
    (tmp_path / "secret.txt").write_text("hunter2")
    (static / "link").symlink_to(tmp_path / "secret.txt")

    async def test() -> None:
        pages = Pages(static)
        transport = httpx.ASGITransport(Starlette(routes=[Route("/{path:path}", pages.answer)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            index = await http.get("/")
            assert (index.headers["cache-control"], index.text[:9]) == ("no-cache", "<!doctype")
            assert index.headers["content-type"] == "text/html; charset=utf-8"
            again = await http.get("/", headers={"if-none-match": index.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            for accepted, encoding in (
                ("gzip", "gzip"),
                ("gzip;q=0, identity", None),
                ("br;q=0, gzip", "gzip"),
                ("*", "br"),
                ("", None),
                ("gzip;q=nonsense", None),
            ):
                async with http.stream(
                    "GET", "/assets/app-1a2b.js", headers={"accept-encoding": accepted}
                ) as answer:
                    assert answer.headers.get("content-encoding") == encoding, accepted
                    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
                    assert "immutable" in answer.headers["cache-control"]
                    assert answer.headers["vary"] == "Accept-Encoding"
                    body = b"".join([chunk async for chunk in answer.aiter_raw()])
                    if encoding == "gzip":
                        assert gzip.decompress(body) == script
                    elif encoding is None:
                        assert body == script
        assert pages.asset("/link") is None
        assert pages.asset("/assets/app-1a2b.js.br") is None
        (static / "assets" / "app-3c4d.js").write_bytes(b"new")
        (static / "index.html").unlink()
        assert pages.asset("/") is None
        (static / "index.html").write_text("again")
        assert pages.asset("/assets/app-3c4d.js") is not None

    run(test())


def test_missing_pages_are_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "static").mkdir()
    monkeypatch.setattr(server_module, "Parts", partial(Parts, static=tmp_path / "static"))

    async def test() -> None:
        async with stage(tmp_path) as at:
            answer = await at.http.get("/")
            assert answer.status_code == 503
            assert "make install" in answer.text

    run(test())


# ---- binding


def test_a_port_in_use_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HintedError, match=rf"port {port} of 127.0.0.1 is in use; hint: .*--port"):
            Dashboard(DashboardSettings(port=port), lambda: None)
    with pytest.raises(HintedError, match="no address of this machine"):
        Dashboard(DashboardSettings(host="192.0.2.77", port=0), lambda: None)

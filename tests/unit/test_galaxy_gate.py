"""Who may ask the dashboard: names, origins, tokens, and nothing secret in any answer."""

import asyncio
import json
import random
import string
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from dashboard_stage import Stage, hear, stage
from phantom_arbiter.config_dashboard import DashboardSettings, read_token
from phantom_arbiter.config_sources import load
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.galaxy.gate import LOOPBACK_NAMES, Access, Gate
from phantom_arbiter.galaxy.server import Dashboard
from phantom_arbiter.galaxy.tokens import MAX_CLIENTS, Allowance
from phantom_arbiter.telemetry import records as r

TOKEN = "t0ken-t0ken-t0ken-t0ken"
HEADERS = {
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "cache-control",
    "x-frame-options",
}


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


async def status_of(at: Stage, path: str = "/ws", **headers: str) -> int:
    """Return how a WebSocket's handshake is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        async with at.watch(additional_headers=named):
            return 101
    except InvalidStatus as refused:
        json.loads(refused.response.body)["error"]
        return refused.response.status_code


# ---- the gate by itself, at any input


class Behind:
    """What stands behind the gate: counts what comes through."""

    def __init__(self) -> None:
        self.passed = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.passed += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})


def asked(
    gate: Gate,
    headers: list[tuple[bytes, bytes]],
    *,
    path: str = "/",
    query: bytes = b"",
    method: str = "GET",
    client: str = "127.0.0.1",
    server: tuple[str, int] = ("127.0.0.1", 8787),
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Return status, headers and body of the answer."""
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": query,
        "headers": headers,
        "client": (client, 1),
        "server": server,
    }
    asyncio.run(gate(scope, receive, send))
    start, body = said
    return start["status"], dict(start["headers"]), body["body"]


def a_gate(token: str | None = None, *hosts: str) -> tuple[Gate, Behind]:
    behind = Behind()
    access = Access(LOOPBACK_NAMES | set(hosts), token, "session-session", 8787)
    return Gate(behind, access, Allowance(3, 10.0, lambda: 0.0)), behind


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8787", 200),
        ("localhost.:8787", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8787", 200),
        ("dash.example.org", 200),
        ("192.168.7.7:8787", 200),  # the address at which the request came
        ("evil.example.org", 421),
        ("localhost.evil.example.org", 421),
        ("127.0.0.1.nip.io", 421),
        ("10.0.0.9", 421),
        ("", 400),
        ("localhost:port", 400),
        ("localhost@evil", 400),
        ("localhost/", 400),
        ("local host", 400),
        ("localhost;", 400),
        ("a'b", 400),
        ("[::1", 400),
    ],
)
def test_only_own_names_are_answered(host: str, status: int) -> None:
    gate, behind = a_gate(None, "dash.example.org")
    answer, headers, _ = asked(gate, [(b"host", host.encode())], server=("192.168.7.7", 8787))
    assert answer == status
    assert behind.passed == (status == 200)
    assert {name.decode() for name in headers} >= HEADERS


def test_a_request_names_one_host() -> None:
    gate, behind = a_gate()
    assert asked(gate, [])[0] == 400
    assert asked(gate, [(b"host", b"localhost"), (b"host", b"evil.org")])[0] == 400
    assert behind.passed == 0


RAW = st.binary(max_size=80).filter(lambda raw: b"\r" not in raw and b"\n" not in raw)
NAMES = st.sampled_from(
    [
        b"origin",
        b"cookie",
        b"authorization",
        b"content-length",
        b"sec-fetch-site",
        b"x-forwarded-for",
    ]
)


@given(
    st.lists(st.tuples(NAMES, RAW), max_size=6),
    st.text(max_size=50),
    st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(lambda raw: b"token=" + raw)),
    st.sampled_from(["GET", "POST", "HEAD", "DELETE", "\x00"]),
)
def test_no_input_passes_without_the_token_or_breaks_the_gate(
    headers: list[tuple[bytes, bytes]], path: str, query: bytes, method: str
) -> None:
    gate, behind = a_gate(TOKEN)
    headers = [(b"host", b"localhost"), *headers]
    status, said, body = asked(gate, headers, path=f"/{path}", query=query, method=method)
    if path != "healthz":
        assert (behind.passed, status) == (0, status)
        assert status in (401, 413)
        assert json.loads(body).keys() == {"error"}
    assert {name.decode() for name in said} >= HEADERS


@given(RAW)
def test_no_host_breaks_the_headers(host: bytes) -> None:
    gate, _ = a_gate()
    status, headers, _ = asked(gate, [(b"host", host)])
    assert status in (200, 400, 421)
    policy = headers[b"content-security-policy"].decode("latin-1")
    assert policy.count(";") == 9
    allowed = set(string.ascii_lowercase + string.digits + " -_.:;/'[]")
    assert set(policy) <= allowed


@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=40))
def test_the_redirection_stays_here(path: str) -> None:
    gate, _ = a_gate(TOKEN)
    query = f"a=1&token={TOKEN}&b=%0d%0aset-cookie:x"
    status, headers, _ = asked(gate, [(b"host", b"localhost")], path=f"/{path}", query=query.encode())
    if path == "healthz":
        return
    assert status == 303
    location = headers[b"location"].decode()
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert set(location) <= set(string.printable) - set(string.whitespace)
    assert TOKEN not in location


def test_wrong_tokens_are_tried_slowly_and_right_cookies_always_pass() -> None:
    now = [0.0]
    behind = Behind()
    gate = Gate(
        behind,
        Access(LOOPBACK_NAMES, TOKEN, "session-session", 8787),
        Allowance(3, 10.0, lambda: now[0]),
    )
    host = (b"host", b"localhost")

    def bearer(token: str, client: str = "192.0.2.1") -> int:
        return asked(gate, [host, (b"authorization", f"Bearer {token}".encode())], client=client)[0]

    assert [bearer("wrong") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert bearer(TOKEN) == 429, "otherwise guessing goes on"
    assert bearer(TOKEN, "192.0.2.2") == 200
    cookie = [host, (b"cookie", b"x=1; phantom-session-8787=session-session")]
    assert asked(gate, cookie, client="192.0.2.1")[0] == 200
    assert asked(gate, [host, (b"cookie", b"phantom-session-8787=other")], client="192.0.2.1")[0] == 401
    assert asked(gate, [host, (b"cookie", b"phantom-session-1=session-session")])[0] == 401
    now[0] = 10.0
    assert [bearer(TOKEN), bearer("wrong"), bearer(TOKEN)] == [200, 401, 429]


@pytest.mark.parametrize(
    "before", ["", "x=1; ", 'prefs={"theme":"dark"}; ', "a=b c; ", "version=3;", "; =;\xe4; "]
)
def test_cookies_of_others_on_this_machine_do_not_hide_ours(before: str) -> None:
    gate, behind = a_gate(TOKEN)
    cookie = f"{before}phantom-session-8787=session-session".encode("latin-1")
    assert asked(gate, [(b"host", b"localhost"), (b"cookie", cookie)])[0] == 200
    assert behind.passed == 1


@pytest.mark.parametrize(
    ("path", "site", "origin", "status"),
    [
        ("/api/curve", "cross-site", None, 403),
        ("/api/curve", "same-site", None, 403),
        ("/api/history", None, "https://evil.example", 403),
        ("/metrics", "cross-site", None, 403),
        ("/metrics", None, None, 200),
        ("/api/history", "same-origin", None, 200),
        ("/api/history", "none", None, 200),
        ("/api/history", "same-origin", "http://localhost", 200),
        ("/", "cross-site", None, 200),
        ("/assets/app.js", "cross-site", None, 200),
    ],
)
def test_pages_of_others_may_link_here_and_ask_nothing(
    path: str, site: str | None, origin: str | None, status: int
) -> None:
    gate, behind = a_gate()
    said = [(b"sec-fetch-site", site), (b"origin", origin)]
    headers = [(name, value.encode()) for name, value in said if value is not None]
    assert asked(gate, [(b"host", b"localhost"), *headers], path=path)[0] == status
    assert behind.passed == (status == 200)


def test_guessing_locks_nobody_out_who_has_a_token_that_was_made_up() -> None:
    access = Access(LOOPBACK_NAMES, TOKEN, "session-session", 8787, is_made_up=True)
    gate = Gate(Behind(), access, Allowance(3, 10.0, lambda: 0.0))

    def bearer(token: str) -> int:
        return asked(gate, [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())])[0]

    assert [bearer("wrong") for _ in range(4)] == [401, 401, 401, 429]
    assert bearer(TOKEN) == 200
    assert bearer("wrong") == 429


def test_failures_are_remembered_for_so_many_and_no_more() -> None:
    allowance = Allowance(1, 10.0, lambda: 0.0)
    for client in range(3 * MAX_CLIENTS):
        allowance.take(str(client))
    assert len(allowance._left) == MAX_CLIENTS
    assert not allowance.is_left(str(3 * MAX_CLIENTS - 1))
    assert allowance.is_left("0")


# ---- over real sockets


def test_on_this_machine_only_pages_of_this_dashboard_may_watch_or_change(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, control=True) as at:
            own = f"http://127.0.0.1:{at.port}"
            assert "token" not in at.dashboard.entry
            assert await status_of(at) == 101
            assert await status_of(at, Origin=own) == 101
            for foreign in (
                "http://evil.example",
                "null",
                "file://",
                f"http://127.0.0.1:{at.port + 1}",
                "http://127.0.0.1",
                f"http://localhost:{at.port}",
                own + ".evil.example",
            ):
                assert await status_of(at, Origin=foreign) == 403, foreign
            assert await status_of(at, Sec_Fetch_Site="cross-site") == 403
            assert await status_of(at, X_Forwarded_For="192.0.2.1") == 403
            right = {"X-Phantom-Control": at.control_token, "Origin": "http://evil.example"}
            answer = await at.http.post("/api/control", json={"action": "halt"}, headers=right)
            assert answer.status_code == 403
            assert at.run.asked == []
            right["Origin"] = own
            answer = await at.http.post("/api/control", json={"action": "halt"}, headers=right)
            assert answer.status_code == 200
            answer = await at.http.get("/healthz", headers={"Host": "evil.example"})
            assert answer.status_code == 421
            assert (await at.http.post("/api/history")).status_code == 405

    run(test())


def test_a_token_opens_it_and_leaves_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASH", TOKEN)

    async def test() -> None:
        async with stage(tmp_path, token="env:DASH") as at:
            assert at.dashboard.entry == f"{at.dashboard.url}?token={TOKEN}"
            assert (await at.http.get("/healthz")).status_code == 200
            for path in ("/", "/api/history", "/api/runs", "/metrics", "/assets/x.js", "/ws"):
                assert (await at.http.get(path)).status_code == 401, path
            assert await status_of(at) == 401
            assert (await at.http.get("/?token=wrong")).status_code == 401
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            assert (await at.http.get("/api/history", headers=bearer)).status_code == 200
            assert await status_of(at, **bearer) == 101
            entered = await at.http.get(f"/?token={TOKEN}&x=1")
            assert (entered.status_code, entered.headers["location"]) == (303, "/?x=1")
            cookie = entered.headers["set-cookie"]
            assert cookie.startswith(f"phantom-session-{at.port}=")
            assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
            assert TOKEN not in cookie
            assert (await at.http.get("/api/history")).status_code == 200, "the client keeps cookies"
            assert (await at.http.get(f"/?token={TOKEN}")).headers["location"] == "/"
            name_and_value = cookie.partition(";")[0]
            assert await status_of(at, Cookie=name_and_value) == 101

    run(test())


def test_anything_but_loopback_asks_for_a_token() -> None:
    for settings, asks in (
        ({}, False),
        ({"host": "localhost"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"allowed_hosts": ("dash.example.org",)}, True),
    ):
        dashboard = Dashboard(DashboardSettings(port=0, **settings), lambda: None)
        try:
            assert ("?token=" in dashboard.entry) == asks
            assert len(dashboard.greeting()) == 1
        finally:
            dashboard.close()


@pytest.mark.parametrize("held", [None, "short", "with space in it 12345", "no-ascii-ü-no-ascii"])
def test_a_token_that_is_none_is_refused_without_repeating_it(
    held: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    if held is not None:
        monkeypatch.setenv("DASH", held)
        file.write_text(held)
    for place in ("env:DASH", str(file)):
        with pytest.raises(ConfigError, match=r"dashboard\.token") as caught:
            read_token(place)
        assert held is None or held not in str(caught.value)
    file.write_text(f"{TOKEN}\n")
    assert read_token(str(file)) == TOKEN


def test_a_pasted_token_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigError, match=r"dashboard\.token .*env:NAME or the path") as caught:
        load({"dashboard": {"token": "hunter2hunter2hunter2"}})
    assert "hunter2" not in str(caught.value)


def test_nothing_of_the_dashboard_changes_what_a_run_is() -> None:
    assert load({"dashboard": {"port": 1, "control": True}}).sha256() == load().sha256()


# ---- secrets


def test_no_answer_bears_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = {name: f"hunter2-{name}-0123456789" for name in ("rpc", "ws", "jito", "user", "dash")}
    monkeypatch.setenv("RPC_KEY", secrets["rpc"])
    monkeypatch.setenv("JITO_AUTH", secrets["jito"])
    monkeypatch.setenv("DASH", secrets["dash"])
    effective = load(
        {
            "endpoints": [
                {
                    "name": "paid",
                    "http_url": "https://rpc.example.org/?api-key=${RPC_KEY}",
                    "ws_url": f"wss://{secrets['user']}:pw@rpc.example.org/{secrets['ws']}",
                }
            ],
            "block_engines": [{"name": "ny", "url": "https://a.b", "auth": "${JITO_AUTH}"}],
            "wallet": {"key": "env:WALLET_KEY"},
            "dashboard": {"token": "env:DASH", "control": True},
        }
    )
    dashboard_settings = effective.config.dashboard.model_dump(exclude={"port"})

    async def crawl(at: Stage) -> list[str]:
        said: list[str] = []
        at.run.hello = hello_of(at)
        await at.run.start()
        await at.heard(1)
        await at.run.step(40)
        await at.heard(at.run.sample.seq)
        bearer = {"Authorization": f"Bearer {secrets['dash']}"}
        right = {**bearer, "X-Phantom-Control": at.control_token}
        async with at.watch(additional_headers=bearer) as browser:
            said += [json.dumps(await hear(browser)) for _ in range(3)]
            await at.run.step(10)
            said.append(json.dumps(await hear(browser)))
        opening = next(iter(at.hub.model.open))
        for path in (
            "/",
            "/healthz",
            "/metrics",
            "/api/history",
            f"/api/history/at?seq={at.run.sample.seq - 3}",
            f"/api/history/since?seq={at.run.sample.seq - 20}",
            f"/api/curve?cycle={opening}",
            "/api/pools/1/history",
            f"/api/mints/{at.hub.model.pools[1].mint_a}/history",
            "/api/runs",
            "/api/runs/1/trades",
            "/nothing",
            f"/?token={secrets['dash']}",
        ):
            for headers in ({}, bearer):
                answer = await at.http.get(path, headers=headers)
                said.append(f"{answer.status_code} {answer.headers} {answer.text}")
                if "set-cookie" in answer.headers:
                    at.http.cookies.clear()
        answer = await at.http.get("/", headers={"Authorization": "Bearer wrong"})
        said.append(f"{answer.headers} {answer.text}")
        answer = await at.http.post("/api/control", json={"action": "halt"}, headers=right)
        assert answer.status_code == 200
        said.append(f"{answer.headers} {answer.text}")
        answer = await at.http.post("/api/control", json={"action": "halt"}, headers=bearer)
        said.append(f"{answer.headers} {answer.text}")
        assert at.control_token not in str(said)
        return said

    def hello_of(at: Stage) -> r.Hello:
        shown = {each.key: (each.value, each.origin) for each in effective.settings()}
        return msgspec.structs.replace(at.run.hello, settings=shown)

    async def test() -> None:
        async with stage(tmp_path, starts=False, **dashboard_settings) as at:
            said = await crawl(at)
        assert any("api-key=***" in each for each in said), "the settings are shown at all"
        for name, secret in secrets.items():
            assert [each for each in said if secret in each] == [], name

    run(test())
    assert capfd.readouterr() == ("", "")


def test_no_path_climbs_out_and_no_head_is_endless(tmp_path: Path) -> None:
    """Paths that climb out, as they are: httpx and browsers would tidy them."""

    async def ask(at: Stage, path: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path)
        answer = await reader.read()
        writer.close()
        return answer

    async def test() -> None:
        async with stage(tmp_path) as at:
            for path in (
                b"/../../../../etc/passwd",
                b"/assets/..%2f..%2f..%2fetc%2fpasswd",
                b"/assets/%2e%2e/%2e%2e/config.py",
                b"//etc/passwd",
                b"/%00",
                b"/assets/\\..\\..\\x",
                b"/static/index.html",
                b"/%ff%fe",
                b"http://evil.example/",
            ):
                answer = await ask(at, path)
                assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 503")), path
                assert b"root:" not in answer
            big = await ask(at, b"/" + b"x" * 100_000)
            assert big == b"" or big.startswith(b"HTTP/1.1 4")
            answers = await asyncio.gather(*(ask(at, b"/healthz") for _ in range(20)))
            assert all(answer.endswith(b"ok\n") for answer in answers)

    run(test())


def test_a_large_body_is_not_read(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            answer = await at.http.post("/api/control", content=b"x" * 5_000)
            assert answer.status_code == 413

    run(test())


def test_what_breaks_on_the_wire_is_no_internal_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    heads = (
        b"POST /api/control HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n",
        b"GET /api/history HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x80abcd",
    )

    async def spoiled(at: Stage, sent: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(sent)
        writer.write_eof()
        await asyncio.wait_for(reader.read(4_096), 60)
        writer.close()

    async def test() -> None:
        chance = random.Random(8)
        async with stage(tmp_path) as at:
            for _ in range(8):
                sent = []
                for _ in range(40):
                    raw = bytearray(chance.choice(heads))
                    for _ in range(chance.randrange(4)):
                        place = chance.randrange(len(raw))
                        raw[place : place + chance.randrange(6)] = chance.randbytes(chance.randrange(6))
                    sent.append(bytes(raw))
                await asyncio.gather(*(spoiled(at, each) for each in sent), return_exceptions=True)
            assert (await at.http.get("/healthz")).text == "ok\n"

    run(test())
    assert capfd.readouterr() == ("", "")

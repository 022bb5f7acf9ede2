"""URLs that hide their keys, and endpoints that are checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.config import endpoint as endpoint_of
from phantom_arbiter.config_sources import load
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl, with_environment

KEY = "0a1b2c3d-SECRET"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.mainnet-beta.solana.com", "https://api.mainnet-beta.solana.com"),
        (f"wss://mainnet.helius-rpc.com/?api-key={KEY}", "wss://mainnet.helius-rpc.com/?api-key=***"),
        (f"https://x.quiknode.pro/{KEY}/", "https://x.quiknode.pro/***/"),
        (f"https://solana-mainnet.g.alchemy.com/v2/{KEY}", "https://solana-mainnet.g.alchemy.com/v2/***"),
        (f"wss://user:{KEY}@node.example:8900/ws", "wss://***@node.example:8900/ws"),
        (f"wss://node.example/?{KEY}", "wss://node.example/?***"),
        (f"wss://node.example/?{KEY}=1&token=2", "wss://node.example/?***=***&token=***"),
        (f"wss://[::1]:8900/rpc/{KEY}?x={KEY}", "wss://[::1]:8900/rpc/***?***=***"),
    ],
)
def test_url_shows_where_but_never_the_key(url: str, shown: str) -> None:
    secret = SecretUrl(url)
    assert str(secret) == f"{secret}" == shown
    assert repr(secret) == f"SecretUrl('{shown}')"
    is_ws = secret.scheme == "wss"
    endpoint = Endpoint(name="a", ws_url=secret if is_ws else None, http_url=None if is_ws else secret)
    assert KEY not in repr(endpoint)
    assert secret.reveal() == url


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=40),
    st.sampled_from(
        ["wss://h.example/{}", "wss://h.example/?{}", "wss://h.example/a/{}/b?c={}", "wss://{}@h.example"]
    ),
)
def test_no_key_of_any_shape_is_shown_or_let_through(key: str, shape: str) -> None:
    key = f"k{key}0"
    endpoint = Endpoint(name="e", ws_url=SecretUrl(shape.replace("{}", key)))
    assert key not in f"{endpoint!r} {endpoint.ws_url}"
    assert key not in endpoint.scrub(f"server says: {key}! and again {key} in {shape.replace('{}', key)}")


@pytest.mark.parametrize(
    "text",
    ["", "helius", "ftp://a.b", "wss:///x", "wss://a b", "wss://a.b:0", "wss://a.b:70000", "wss://a\n.b",
     "wss://ä.example", "wss://a.b/#x", "wss://[::1/"],
)  # fmt: skip
def test_what_is_no_url_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SecretUrl(text)
    assert not text or text not in str(caught.value)


def test_key_in_clear_over_a_public_network_is_refused() -> None:
    for host in ("node.example", "8.8.8.8"):
        with pytest.raises(
            ConfigError, match=r"endpoint a: ws://.*/\*\*\* would send its key unencrypted; hint: use wss"
        ):
            Endpoint(name="a", ws_url=SecretUrl(f"ws://{host}/{KEY}"))
    for url in (f"ws://localhost/{KEY}", f"ws://10.0.0.5/{KEY}", f"ws://[::1]/{KEY}", "ws://node.example/ws"):
        Endpoint(name="a", ws_url=SecretUrl(url))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "a/0"}, "1 to 32 lower-case letters"),
        ({"name": ""}, "1 to 32 lower-case letters"),
        ({"ws_url": SecretUrl("https://a.b")}, "begins with neither of ws, wss"),
        ({"http_url": SecretUrl("wss://a.b")}, "begins with neither of http, https"),
        ({"ws_url": None}, "neither http_url nor ws_url"),
        ({"max_subscriptions_per_connection": 1}, "may be 2 or more"),
        ({"max_connections": 0}, "may be 1 or more"),
    ],
)  # fmt: skip
def test_endpoint_that_does_not_fit_together_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Endpoint(**({"name": "a", "ws_url": SecretUrl("wss://a.b")} | fields))  # type: ignore[arg-type]


def test_scrubbed_text_is_one_bounded_line() -> None:
    endpoint = Endpoint(name="a", ws_url=SecretUrl(f"wss://a.b/{KEY}"))
    assert endpoint.scrub("a\nb\x1b[31mc\u202e") == "a b [31mc "
    assert len(endpoint.scrub("x" * 10_000)) == 300


def test_variables_of_the_environment_are_filled_in() -> None:
    assert with_environment("a${X}b${Y_1}c", {"X": "1", "Y_1": "2"}) == "a1b2c"
    with pytest.raises(ConfigError, match="environment variable MISSING is not set"):
        with_environment("${MISSING}", {})


# ---- configuration


def test_endpoints_come_from_tables_with_keys_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELIUS_KEY", KEY)
    file = tmp_path / "my.toml"
    file.write_text(
        "[[endpoints]]\nname = 'helius'\nws_url = 'wss://mainnet.helius-rpc.com/?api-key=${HELIUS_KEY}'\n"
        "max_connections = 5\ncredits = { getProgramAccounts = 10, default = 1 }\n"
        "[[endpoints]]\nname = 'own'\nhttp_url = 'http://127.0.0.1:8899'\n"
    )
    effective = load(config_file=file)
    helius, own = map(endpoint_of, effective.config.endpoints)
    assert helius.ws_url == SecretUrl(f"wss://mainnet.helius-rpc.com/?api-key={KEY}")
    assert (helius.max_connections, helius.max_subscriptions_per_connection) == (5, 100)
    assert dict(helius.credits) == {"getProgramAccounts": 10, "default": 1}
    assert own.ws_url is None
    shown = {setting.key: (setting.value, setting.origin) for setting in effective.settings()}
    assert shown["endpoints[].ws_url"] == (
        ["wss://mainnet.helius-rpc.com/?api-key=***", None],
        f"file {file}",
    )
    assert KEY not in repr(effective)
    assert KEY not in effective.config.model_dump_json()
    assert effective.sha256() == load().sha256()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([{"name": "a"}], r"endpoints\.0 \(flag\): endpoint a has neither http_url nor ws_url"),
        (
            [{"name": "a", "ws_url": f"wss ://a.b/{KEY}"}],
            r"endpoints\.0\.ws_url \(flag\): a URL holds a space",
        ),
        ([{"name": "a", "ws_url": [f"wss://a.b/{KEY}"]}], r"endpoints\.0\.ws_url \(flag\): a URL is text"),
        ([{"name": "a", "ws_ur": f"wss://a.b/{KEY}"}], r"unknown key endpoints\.0\.ws_ur .*ws_url"),
        ([{"name": KEY, "ws_url": "wss://a.b"}], r"endpoints\.0\.name \(flag\): not one of the forms"),
        ([f"wss://a.b/{KEY}"], r"endpoints\.0 \(flag\): "),
        (f"wss://a.b/{KEY}", r"endpoints \(flag\): "),
        ([{"name": "a", "ws_url": f"wss://a.b/{KEY}"}] * 2, "a is the name of two"),
    ],
)
def test_wrong_endpoint_is_told_in_one_line_without_what_was_given(given: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        load({"endpoints": given})
    assert KEY not in f"{caught.value} {caught.value!r} {caught.value.__cause__}"

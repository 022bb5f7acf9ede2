"""Fault plans: what goes wrong at one endpoint, how often, and how they are read from a file.

A file holds one table for all endpoints and one for each, in their order; later wins:

```toml
[default]
delay_ms = 2.0
jitter_ms = 5.0

[[endpoint]]            # the first endpoint
loss = 0.01

[[endpoint]]            # the second
half_open_every_s = 60.0
```
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from phantom_arbiter.errors import ConfigError

MAX_LAG_SLOTS = 150
MAX_SEND_SLOTS = 1_000
LIE_KINDS = ("data", "slot", "owner")


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What goes wrong at an endpoint. The default plan is an endpoint without fault.

    Probabilities are for each notification (or HTTP request) on its own. Times between faults on the
    connection level are exponential with the given mean; 0 means never.

    Attributes:
        delay_ms: Least delay of a notification.
        jitter_ms: Random part of the delay, uniform from 0.
        reorder: Jitter may let one account's notification overtake another's; else it keeps all order.
        reorder_within_account: Jitter may let an account's later write overtake its earlier one.
        loss: A notification is not sent.
        duplicate: A notification is sent twice.
        conflate: A write is kept back; a later one of the same account and slot replaces it, else it is
            sent at the end of the slot.
        garbage: Bytes that are no message are sent before a notification.
        lie: A false version of a notification is sent before it.
        lie_replaces: The false version is sent instead.
        lie_kinds: What is false, in both kinds of lies: `data`, `slot` (impossibly high) or `owner`.
        lag_slots: Slots by which all that the endpoint says is late, over HTTP too; at most 150.
        disconnect_every_s: Mean time until all WebSockets are cut.
        half_open_every_s: Mean time until all WebSockets fall silent without being closed.
        half_open_s: How long a silent one stays before it is cut; 0: until the client gives up.
        stall_every_s: Mean time until the endpoint sends nothing for a while, then all at once.
        stall_s: How long it then sends nothing.
        refuse_connection: A WebSocket handshake is answered with 503.
        idle_close_s: A WebSocket from which nothing came for so long, pings included, is closed; 0: never.
        max_subscriptions: Subscriptions that one connection may have; 0: any number.
        http_delay_ms: Delay of an HTTP answer.
        http_per_s: HTTP requests answered within one second; those beyond get 429; 0: any number.
        http_429: An HTTP request is answered with 429 and `Retry-After`.
        retry_after_s: What `Retry-After` says.
        http_unhealthy: An HTTP request is answered with -32005.
        http_500: An HTTP request is answered with 500.
        http_garbage: An HTTP request is answered with what is no JSON.
        http_hang: An HTTP request is never answered.
        http_answer_lost: An HTTP request is carried out, and the connection closed without an answer.
        send_drop: A transaction that is sent is never carried out, though its signature is given.
        send_slots: Slots that begin before a transaction that is sent is carried out; at most 1,000.
        http_lie: An HTTP answer that shows accounts is false: in its slot, or in one of the accounts.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder: bool = False
    reorder_within_account: bool = False
    loss: float = 0.0
    duplicate: float = 0.0
    conflate: float = 0.0
    garbage: float = 0.0
    lie: float = 0.0
    lie_replaces: bool = False
    lie_kinds: tuple[str, ...] = LIE_KINDS
    lag_slots: int = 0
    disconnect_every_s: float = 0.0
    half_open_every_s: float = 0.0
    half_open_s: float = 0.0
    stall_every_s: float = 0.0
    stall_s: float = 1.0
    refuse_connection: float = 0.0
    idle_close_s: float = 0.0
    max_subscriptions: int = 0
    http_delay_ms: float = 0.0
    http_per_s: int = 0
    http_429: float = 0.0
    retry_after_s: float = 1.0
    http_unhealthy: float = 0.0
    http_500: float = 0.0
    http_garbage: float = 0.0
    http_hang: float = 0.0
    http_lie: float = 0.0
    http_answer_lost: float = 0.0
    send_drop: float = 0.0
    send_slots: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "lie_kinds":
                if not isinstance(value, tuple) or not value or not all(kind in LIE_KINDS for kind in value):
                    raise ConfigError(f"lie_kinds is {value!r}, it may hold {', '.join(LIE_KINDS)}")
            elif isinstance(field.default, bool):
                if not isinstance(value, bool):
                    raise ConfigError(f"{field.name} is {value!r}, it may be true or false")
            elif (
                isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf")
            ):
                raise ConfigError(f"{field.name} is {value!r}, it may be a number from 0")
            elif field.name in PROBABILITIES and value > 1:
                raise ConfigError(f"{field.name} is {value}, it may be 0 to 1")
            elif field.name == "lag_slots" and value > MAX_LAG_SLOTS:
                raise ConfigError(f"lag_slots is {value}, it may be 0 to {MAX_LAG_SLOTS}")
            elif field.name == "send_slots" and value > MAX_SEND_SLOTS:
                raise ConfigError(f"send_slots is {value}, it may be 0 to {MAX_SEND_SLOTS:,}")
            elif isinstance(field.default, int) and not isinstance(value, int):
                raise ConfigError(f"{field.name} is {value}, it may be a whole number")

    @property
    def changes_delivery(self) -> bool:
        """Whether notifications need more than to be sent at once."""
        return any(
            (
                self.delay_ms,
                self.jitter_ms,
                self.loss,
                self.duplicate,
                self.conflate,
                self.garbage,
                self.lie,
                self.lag_slots,
                self.stall_every_s,
            )
        )


PROBABILITIES = frozenset(
    {
        "loss",
        "duplicate",
        "conflate",
        "garbage",
        "lie",
        "refuse_connection",
        "http_429",
        "http_unhealthy",
        "http_500",
        "http_garbage",
        "http_hang",
        "http_lie",
        "http_answer_lost",
        "send_drop",
    }
)


class Plan(Protocol):
    """Any frozen dataclass that says what goes wrong somewhere."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


SomePlan = TypeVar("SomePlan", bound=Plan)


def load_plans(path: Path, endpoints: int) -> list[FaultPlan]:
    """Return the plan of each of `endpoints` endpoints.

    Raises:
        ConfigError: The file is missing or no TOML, or a key or value is wrong: which, and what it may be.
    """
    return read_plans(path, endpoints, FaultPlan(), "endpoint")


def read_plans(path: Path, count: int, base: SomePlan, noun: str) -> list[SomePlan]:
    """Return the plan of each of `count` places, read from a file of `[default]` and `[[noun]]` tables.

    Args:
        path: The file.
        count: How many places there are.
        base: The plan of a place of which the file says nothing.
        noun: What such a place is called.

    Raises:
        ConfigError: The file is missing or no TOML, or a key or value is wrong: which, and what it may be.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"fault file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"fault file {path} is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"fault file {path} is no TOML: {error}") from error
    for key in content.keys() - {"default", noun}:
        raise ConfigError(
            f"fault file {path}: unknown key {key}", hint=f"it may hold [default] and [[{noun}]]"
        )
    own = content.get(noun, [])
    if not isinstance(own, list):
        raise ConfigError(f"fault file {path}: {noun} is no list of tables", hint=f"write [[{noun}]]")
    if len(own) > count:
        raise ConfigError(
            f"fault file {path} has {len(own)} {noun}s, the net has {count}",
            hint=f"--{noun}s {len(own)}",
        )
    base = plan_from(content.get("default", {}), base, f"fault file {path}, [default]")
    tables = [*own, *({} for _ in range(count - len(own)))]
    return [
        plan_from(table, base, f"fault file {path}, {noun} {number}")
        for number, table in enumerate(tables, start=1)
    ]


def plan_from(table: Any, base: SomePlan, where: str) -> SomePlan:
    """Return `base` with the entries of `table`.

    Raises:
        ConfigError: A key or value is wrong.
    """
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is no table")
    known = {field.name for field in fields(base)}
    for key in table.keys() - known:
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {close[0]}" if close else f"known are {', '.join(sorted(known))}"
        raise ConfigError(f"{where}: unknown key {key}", hint=hint)
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    try:
        return replace(base, **values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error

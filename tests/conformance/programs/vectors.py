"""The vector files: states with their accounts, and swaps (`tests/data/vectors/` tells the schema).

States are kept by address and content; account and state ids exist only in a file and are given when written.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Account:
    """An account as the chain holds it."""

    owner: str
    lamports: int
    data: bytes

    def with_data(self, data: bytes) -> Account:
        return replace(self, data=data)


@dataclass(frozen=True)
class Clock:
    slot: int
    unix_timestamp: int
    epoch: int


@dataclass(frozen=True)
class State:
    """What a pool's accounts held at one time; `accounts` keeps the venue's order."""

    pool: str
    kind: str
    clock: Clock
    accounts: Mapping[str, Account]
    missing: tuple[str, ...] = ()

    def data(self, key: str) -> bytes:
        return self.accounts[key].data

    @property
    def keys(self) -> list[str]:
        return list(self.accounts)

    @property
    def pool_data(self) -> bytes:
        return self.data(self.pool)

    def with_data(self, key: str, data: bytes) -> State:
        return replace(self, accounts={**self.accounts, key: self.accounts[key].with_data(data)})

    def labelled(self, label: str) -> State:
        kind = self.kind if label in self.kind.split("+") else f"{self.kind}+{label}"
        return replace(self, kind=kind)


@dataclass(frozen=True)
class Swap:
    """A swap's arguments; `sqrt_price_limit` and `mode` are None at venues that have none."""

    op: str
    amount: int
    exact_in: bool
    a_to_b: bool
    threshold: int
    sqrt_price_limit: int | None = None
    mode: str | None = None

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Swap:
        args = line["args"]
        return cls(
            op=line["op"],
            amount=args["amount"],
            exact_in=args["exact_in"],
            a_to_b=args["a_to_b"],
            threshold=args["other_amount_threshold"],
            sqrt_price_limit=args.get("sqrt_price_limit"),
            mode=args.get("mode"),
        )

    @property
    def args(self) -> dict[str, Any]:
        args = {
            "amount": self.amount,
            "mode": self.mode,
            "exact_in": self.exact_in,
            "a_to_b": self.a_to_b,
            "other_amount_threshold": self.threshold,
            "sqrt_price_limit": self.sqrt_price_limit,
        }
        return {name: value for name, value in args.items() if value is not None}


@dataclass(frozen=True)
class Call:
    """An instruction: data and [address, flags] in order, flags `s` signer and `w` writable."""

    program_id: str
    data: bytes
    accounts: list[tuple[str, str]]

    def line(self) -> dict[str, Any]:
        accounts = [list(each) for each in self.accounts]
        return {"program_id": self.program_id, "data": self.data.hex(), "accounts": accounts}


@dataclass(frozen=True)
class VectorFile:
    meta: dict[str, Any]
    states: dict[int, State]
    swaps: list[dict[str, Any]]


def read(path: Path) -> VectorFile:
    """Return the vector file at `path`."""
    meta: dict[str, Any] = {}
    accounts: dict[int, tuple[str, Account]] = {}
    states: dict[int, State] = {}
    swaps: list[dict[str, Any]] = []
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for text in stream:
            line = json.loads(text)
            match line["t"]:
                case "meta":
                    meta = line
                case "account":
                    account = Account(line["owner"], line["lamports"], base64.b64decode(line["data"]))
                    accounts[line["id"]] = (line["key"], account)
                case "state":
                    states[line["id"]] = State(
                        pool=line["pool"],
                        kind=line["kind"],
                        clock=Clock(**line["clock"]),
                        accounts=dict(accounts[i] for i in line["accounts"]),
                        missing=tuple(line["missing"]),
                    )
                case "swap":
                    swaps.append(line)
    return VectorFile(meta, states, swaps)


@dataclass
class Writer:
    """Writes a vector file line by line; accounts once per content."""

    path: Path
    meta: dict[str, Any]
    swaps: int = 0
    _accounts: dict[tuple[str, Account], int] = field(default_factory=dict)
    _states: int = 0

    def __enter__(self) -> Writer:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = gzip.open(self.path, "wt", encoding="utf-8", compresslevel=6)
        self._write({"t": "meta", **{name: value for name, value in self.meta.items() if name != "t"}})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def state(self, state: State) -> int:
        """Write `state` and return its id."""
        ids = [self._account(key, account) for key, account in state.accounts.items()]
        self._states += 1
        self._write(
            {
                "t": "state",
                "id": self._states,
                "clock": vars(state.clock),
                "accounts": ids,
                "missing": list(state.missing),
                "pool": state.pool,
                "kind": state.kind,
            }
        )
        return self._states

    def swap(self, state_id: int, swap: Swap, call: Call, outcome: Mapping[str, Any]) -> None:
        self.swaps += 1
        line = {"t": "swap", "id": self.swaps, "state": state_id, "op": swap.op, "args": swap.args}
        self._write({**line, "ix": call.line(), **outcome})

    def _account(self, key: str, account: Account) -> int:
        known = self._accounts.get((key, account))
        if known is not None:
            return known
        number = self._accounts[key, account] = len(self._accounts) + 1
        data = base64.b64encode(account.data).decode()
        line = {"t": "account", "id": number, "key": key, "owner": account.owner}
        self._write({**line, "lamports": account.lamports, "data": data})
        return number

    def _write(self, line: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(line, separators=(",", ":")) + "\n")

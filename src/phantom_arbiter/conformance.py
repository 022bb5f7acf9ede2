"""Golden swap vectors: compare what real programs did with what we say they do.

A vector file is gzip'd JSON Lines, told apart by `t`: one `meta`, then `account`, `state` and `swap` lines.
Every swap is answered by the native core from its state alone and every field of the vector's result (or its
error) must be equal. Where the vector holds the instruction that was executed, the one that we build must be
the same byte for byte: program, data, every account and flag. Integers may exceed 64 bits and stay exact.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phantom_arbiter.errors import ConfigError
from phantom_core import ConformanceState, PhantomError

_SOURCES = ("real-program", "sdk")
_U64_MAX = 2**64 - 1
# What the trader of the real-program files began each pool with; it is not in the files. One file's trader
# held all that its supply allowed.
_TRADER_FUNDS = 2**63
_ALL_THERE_IS = "orca_token_swap_v2"


class VectorFileError(ConfigError):
    """A vector file is missing, unreadable or no vector file; the message says which and why."""


@dataclass(frozen=True)
class VectorFile:
    """A vector file, parsed.

    Attributes:
        path: Where it was read.
        meta: Its first line: `dex`, `source`, `program_id` and more.
        accounts: Account lines by their id.
        states: State lines by their id.
        swaps: Swap lines in order.
    """

    path: Path
    meta: dict[str, Any]
    accounts: dict[int, dict[str, Any]]
    states: dict[int, dict[str, Any]]
    swaps: list[dict[str, Any]]


@dataclass(frozen=True)
class Field:
    """One compared value of one swap."""

    name: str
    expected: object
    got: object

    @property
    def equal(self) -> bool:
        """Whether both are the same."""
        return self.expected == self.got


@dataclass(frozen=True)
class Difference:
    """A swap whose answer is not the vector's."""

    swap_id: int
    kind: str
    operation: str
    fields: tuple[Field, ...]


@dataclass
class FileReport:
    """What became of one file.

    Attributes:
        path: The file.
        dex: Venue.
        source: `real-program` or `sdk`.
        supported: Whether we quote this venue; if not, nothing was run.
        swaps: Swaps in the file.
        equal: Swaps whose result or error is equal.
        instructions: Swaps whose executed instruction was compared with ours.
        instructions_equal: Those that are equal byte for byte.
        failures_expected: Swaps that the program refused; they must be refused alike.
        differences: The first swaps that differ.
    """

    path: Path
    dex: str
    source: str
    supported: bool = True
    swaps: int = 0
    equal: int = 0
    instructions: int = 0
    instructions_equal: int = 0
    failures_expected: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every vector was run and equal, its instruction included where it has one."""
        equal = self.equal == self.swaps and self.instructions_equal == self.instructions
        return self.supported and self.swaps > 0 and equal


def read_vectors(path: Path) -> VectorFile:
    """Return the parsed vector file at `path`.

    Raises:
        VectorFileError: It is missing, unreadable, corrupt or not a vector file.
    """
    lines = list(_read_lines(path))
    if not lines or lines[0].get("t") != "meta" or lines[0].get("source") not in _SOURCES:
        raise VectorFileError(f"{path}: not a vector file, its first line is no `meta`")
    file = VectorFile(path, lines[0], {}, {}, [])
    for number, line in enumerate(lines[1:], start=2):
        try:
            match line["t"]:
                case "account":
                    file.accounts[line["id"]] = line
                case "state":
                    file.states[line["id"]] = line
                case "swap":
                    file.swaps.append(line)
                case other:
                    raise VectorFileError(f"{path}: line {number} is of unknown type `{other}`")
        except KeyError as error:
            raise VectorFileError(f"{path}: line {number} has no {error}") from None
    if not file.swaps:
        raise VectorFileError(f"{path}: no swap in the file")
    return file


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for number, text in enumerate(stream, start=1):
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise VectorFileError(f"{path}: line {number} is no JSON object")
                yield line
    except FileNotFoundError:
        raise VectorFileError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise VectorFileError(f"{path}: a directory, not a vector file") from None
    except gzip.BadGzipFile:
        raise VectorFileError(f"{path}: not a gzip file") from None
    except (EOFError, zlib.error):
        raise VectorFileError(f"{path}: the gzip data is torn or corrupt") from None
    except UnicodeDecodeError:
        raise VectorFileError(f"{path}: not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise VectorFileError(f"{path}: line {number} is not JSON ({error.msg})") from None
    except OSError as error:
        raise VectorFileError(f"{path}: cannot be read ({error.strerror or error})") from None


def run_file(
    file: VectorFile, *, max_differences: int = 3, on_swap: Callable[[], None] | None = None
) -> FileReport:
    """Run every swap of `file` and compare every field present.

    Args:
        file: A parsed vector file.
        max_differences: How many differing swaps to keep.
        on_swap: Called after every swap.

    Returns:
        The counts and the first differences.

    Raises:
        VectorFileError: A line does not hold together (names the swap or state).
    """
    report = FileReport(file.path, str(file.meta.get("dex")), str(file.meta["source"]))
    report.swaps = len(file.swaps)
    report.failures_expected = sum(1 for swap in file.swaps if not swap.get("ok"))
    states = _States(file)
    for swap in file.swaps:
        fields = _compare(states, swap)
        if fields is None:
            report.supported = False
            return report
        instruction = _compare_instruction(states, swap)
        report.equal += all(each.equal for each in fields)
        if instruction is not None:
            report.instructions += 1
            report.instructions_equal += instruction.equal
            fields.append(instruction)
        if not all(each.equal for each in fields) and len(report.differences) < max_differences:
            wrong = tuple(each for each in fields if not each.equal)
            kind = str(file.states[swap["state"]].get("kind"))
            report.differences.append(Difference(swap["id"], kind, swap["op"], wrong))
        if on_swap is not None:
            on_swap()
    return report


def explain(file: VectorFile, swap_id: int) -> tuple[dict[str, Any], list[Field] | None]:
    """Return the swap line with `swap_id` and every compared field, None if the venue is not supported.

    Raises:
        VectorFileError: No such swap, or it does not hold together.
    """
    for swap in file.swaps:
        if swap.get("id") == swap_id:
            states = _States(file)
            fields = _compare(states, swap)
            instruction = _compare_instruction(states, swap)
            if fields is not None and instruction is not None:
                fields.append(instruction)
            return swap, fields
    raise VectorFileError(f"{file.path}: no swap with id {swap_id}")


class _States:
    """The states of a file, decoded when first needed."""

    def __init__(self, file: VectorFile) -> None:
        self.file = file
        self._loaded: dict[int, ConformanceState] = {}
        self._first: dict[str, tuple[int | None, int | None]] = {}
        default = None if file.meta.get("dex") == _ALL_THERE_IS else _TRADER_FUNDS
        self._funds: int | None = file.meta.get("trader_funds", default)

    def trader_balance(self, state_id: int, a_to_b: bool) -> int | None:
        """Return what the trader has left of the input token: the start less what the vault gained."""
        if self._funds is None:
            return None
        side = 0 if a_to_b else 1
        now = self.get(state_id).vault_balances[side]
        before = self._first_balances(self.file.states[state_id]["pool"])[side]
        return None if now is None or before is None else min(max(self._funds - (now - before), 0), _U64_MAX)

    def _first_balances(self, pool: str) -> tuple[int | None, int | None]:
        if pool not in self._first:
            first = next(number for number, state in self.file.states.items() if state["pool"] == pool)
            self._first[pool] = self._load(first).vault_balances
        return self._first[pool]

    def get(self, state_id: int) -> ConformanceState:
        if state_id not in self._loaded:
            # Swaps come state by state: keeping more than one would only cost memory.
            self._loaded = {state_id: self._load(state_id)}
        return self._loaded[state_id]

    def _load(self, state_id: int) -> ConformanceState:
        try:
            state = self.file.states[state_id]
            lines = [self.file.accounts[account_id] for account_id in state["accounts"]]
            accounts = [
                (line["key"], line["owner"], base64.b64decode(line["data"], validate=True)) for line in lines
            ]
            return ConformanceState(
                dex=self.file.meta["dex"],
                # A file made by an SDK ran no program; its states carry the pool's owner.
                program_id=self.file.meta.get("program_id") or _owner_of(lines, state["pool"]),
                pool=state["pool"],
                accounts=accounts,
                slot=state["clock"]["slot"],
                unix_timestamp=state["clock"]["unix_timestamp"],
                epoch=state["clock"]["epoch"],
            )
        except KeyError as error:
            raise VectorFileError(f"{self.file.path}: state {state_id}: {error} is missing") from None
        except (binascii.Error, TypeError, ValueError, OverflowError, PhantomError) as error:
            raise VectorFileError(f"{self.file.path}: state {state_id}: {error}") from None


def _owner_of(accounts: list[dict[str, Any]], pool: str) -> str:
    return next(str(line["owner"]) for line in accounts if line["key"] == pool)


def _compare(states: _States, swap: dict[str, Any]) -> list[Field] | None:
    """Return every field of the vector beside ours; None: not supported yet."""
    path = states.file.path
    try:
        state = states.get(swap["state"])
        if not state.is_supported:
            return None
        arguments = swap["args"]
        answer = state.run(
            swap["op"],
            amount=arguments["amount"],
            exact_in=arguments["exact_in"],
            a_to_b=arguments["a_to_b"],
            other_amount_threshold=arguments.get(
                "other_amount_threshold", 0 if arguments["exact_in"] else _U64_MAX
            ),
            sqrt_price_limit=arguments.get("sqrt_price_limit", 0),
            partial_fill=arguments.get("mode") == "partial_fill",
            trader_balance=states.trader_balance(swap["state"], arguments["a_to_b"]),
        )
        if answer is None:
            return None
        fields = [Field("ok", swap["ok"], answer["ok"])]
        if swap["ok"]:
            got = answer.get("result", {})
            fields += [Field(name, value, got.get(name)) for name, value in swap["result"].items()]
            if not answer["ok"]:
                fields.append(Field("error", None, answer["error"]["name"]))
        else:
            got = answer.get("error", {})
            compared = ("name", "code") if "code" in swap["error"] else ("name",)
            fields += [Field(f"error {name}", swap["error"].get(name), got.get(name)) for name in compared]
        return fields
    except KeyError as error:
        raise VectorFileError(f"{path}: swap {swap.get('id')}: {error} is missing") from None
    except (AttributeError, TypeError, ValueError, OverflowError, PhantomError) as error:
        raise VectorFileError(f"{path}: swap {swap.get('id')}: {error}") from None


def _compare_instruction(states: _States, swap: dict[str, Any]) -> Field | None:
    """Return the first difference of the executed instruction and ours, or that there is none.

    None: the vector holds no instruction, or the venue is not supported yet.
    """
    executed = swap.get("ix")
    if executed is None:
        return None
    path = states.file.path
    try:
        arguments = swap["args"]
        answer = states.get(swap["state"]).check_instruction(
            swap["op"],
            program=executed["program_id"],
            accounts=[(key, "s" in flags, "w" in flags) for key, flags in executed["accounts"]],
            data=bytes.fromhex(executed["data"]),
            amount=arguments["amount"],
            exact_in=arguments["exact_in"],
            a_to_b=arguments["a_to_b"],
            other_amount_threshold=arguments.get("other_amount_threshold"),
            sqrt_price_limit=arguments.get("sqrt_price_limit", 0),
            partial_fill=arguments.get("mode") == "partial_fill",
        )
    except KeyError as error:
        raise VectorFileError(f"{path}: swap {swap.get('id')}: {error} is missing") from None
    except (AttributeError, TypeError, ValueError, OverflowError, PhantomError) as error:
        raise VectorFileError(f"{path}: swap {swap.get('id')}: {error}") from None
    if answer is None:
        return None
    if answer["equal"]:
        return Field("instruction", "as executed", "as executed")
    return Field(f"instruction's {answer['what']}", answer["expected"], answer["got"])

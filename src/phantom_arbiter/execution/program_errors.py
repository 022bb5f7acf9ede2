"""What an error of a program or of the runtime means, what caused it and what helps.

The dictionary is `data/program-errors.json`, distilled from the programs' IDLs by
`tools/make_program_errors.py`; causes and cures of what arbitrage meets are in `error_advice.py` and
`program_advice.py`. Numbers are a program's own: 6001 means something else in every program, so the program
has to be known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Final

from phantom_arbiter.execution.error_advice import (
    ANCHOR,
    PANICKED,
    RUNTIME,
    Advice,
    ErrorClass,
)
from phantom_arbiter.execution.error_logs import OUT_OF_UNITS, PANIC, LoggedFailure, first_failure
from phantom_arbiter.execution.program_advice import PROGRAMS

ANCHOR_CODES: Final = range(100, 6000)
"""Numbers that Anchor gives its own errors; a program's start at 6000."""
_RUNTIME = "runtime"
_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_NUMBER = re.compile(r"(?:Custom\()?(0x[0-9a-fA-F]{1,8}|\d{1,10})\)?")
_OWN_WORDS: Final = {
    OUT_OF_UNITS: "The instructions took more compute units than the transaction asked for",
    PANIC: "The program panicked",
}
"""Names that neither an IDL nor the runtime has."""


@dataclass(frozen=True)
class ProgramError:
    """An error with its meaning.

    Attributes:
        program: Our name of the program, or its address if we do not know it; `runtime` for errors that
            belong to no program; None if it was not told.
        address: The program's address, if it is known.
        code: The program's number; None for the runtime's errors.
        name: The program's or the runtime's name of the error; `Custom` for a number that is not in the IDL.
        message: Its own words; may be empty.
        cause: What it comes from, for those that arbitrage meets in our words, else the message.
        cure: What helps; empty where we know of nothing.
        error_class: What the bot does next.
        instruction: Position of the instruction that failed, from 0, if it is known.
        also: The name that another build of the program gives to the number; None if there is none.
    """

    program: str | None
    address: str | None
    code: int | None
    name: str
    message: str
    cause: str
    cure: str
    error_class: ErrorClass
    instruction: int | None = None
    also: str | None = None

    def __str__(self) -> str:
        number = "" if self.code is None else f" ({self.code})"
        cure = f"; hint: {self.cure}" if self.cure else ""
        return f"{self.program or 'unknown program'}: {self.name}{number}: {self.cause}{cure}"


@dataclass(frozen=True)
class Program:
    """A program and its errors.

    Attributes:
        name: Our name.
        title: The name that people use.
        aliases: Other names: of its IDL, or common short ones.
        addresses: Where it is deployed; the first is the usual one.
        is_anchor: Whether Anchor's own errors can come from it.
        errors: Name and message by number.
        other_builds: Those of other builds, where they differ.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    addresses: tuple[str, ...]
    is_anchor: bool
    errors: Mapping[int, tuple[str, str]]
    other_builds: Mapping[int, tuple[str, str]]


@dataclass(frozen=True)
class _Dictionary:
    programs: tuple[Program, ...]
    anchor: Mapping[int, tuple[str, str]]
    runtime: Mapping[str, str]


@cache
def _dictionary() -> _Dictionary:
    text = (files("phantom_arbiter") / "data" / "program-errors.json").read_text(encoding="utf-8")
    content = json.loads(text)
    programs = tuple(
        Program(
            each["name"],
            each["title"],
            tuple(each["aliases"]),
            tuple(each["addresses"]),
            each["anchor"],
            _by_number(each["errors"]),
            _by_number(each.get("other_builds", {})),
        )
        for each in content["programs"]
    )
    # An instruction error may bear the name of a transaction error: the words are the same then.
    runtime = {**content["instruction"], **content["transaction"]}
    return _Dictionary(programs, _by_number(content["anchor"]), runtime)


def _by_number(errors: Mapping[str, Sequence[str]]) -> dict[int, tuple[str, str]]:
    return {int(code): (name, message) for code, (name, message) in errors.items()}


def known_programs() -> tuple[Program, ...]:
    """Return every program of the dictionary, venues first."""
    return _dictionary().programs


def find_program(program: str) -> Program | None:
    """Return the program with this address, name or alias, or the only one whose names contain the text."""
    wanted = program.lower()
    within = []
    for each in known_programs():
        names = (each.name, each.title.lower(), *each.aliases)
        if program in each.addresses or wanted in names:
            return each
        if any(wanted in name for name in names):
            within.append(each)
    return within[0] if len(within) == 1 else None


def is_address(text: str) -> bool:
    """Return whether the text could be a program's address."""
    return _ADDRESS.fullmatch(text) is not None


def programs_with(code: int) -> tuple[Program, ...]:
    """Return the programs that have an error of this number."""
    return tuple(each for each in known_programs() if code in each.errors)


def errors_named(name: str) -> tuple[tuple[str | None, int | str], ...]:
    """Return what `explain` takes for every error of this name, its own or as the journal spells it."""
    dictionary, wanted = _dictionary(), _letters(name)
    programs: list[tuple[str | None, int | str]] = [
        (program.name, code)
        for program in known_programs()
        for code, (own, _) in program.errors.items()
        if _letters(own) == wanted
    ]
    anchor = [(None, code) for code, (own, _) in dictionary.anchor.items() if _letters(own) == wanted]
    runtime = [(None, own) for own in dictionary.runtime if _letters(own) == wanted]
    return (*programs, *anchor, *runtime)


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def explain(program: str | None, error: object) -> ProgramError:
    """Return what one error means.

    Args:
        program: Name or address of the program that gave it; None if it is not known, or for the runtime's.
        error: A number (`6001`, `"0x1771"`), a name (`"BlockhashNotFound"`), log lines, or an error as RPC
            nodes and LiteSVM give it.
    """
    return explain_failure(error, default=program)


def explain_failure(
    error: object,
    programs: Sequence[str] = (),
    logs: Sequence[str] = (),
    *,
    default: str | None = None,
) -> ProgramError:
    """Return what failed in a transaction.

    With logs the program that failed first is told, which may be one that the failing instruction called;
    without them the instruction's own program is.

    Args:
        error: `err` of a transaction's status, as JSON (`{"InstructionError": [2, {"Custom": 6001}]}`), as
            LiteSVM's object, a number, a name, or log lines.
        programs: Address of the program of every instruction, in order.
        logs: The transaction's log lines; may be empty or cut short.
        default: Program if neither logs nor `programs` tell it.
    """
    told = _read(error)
    logged = first_failure(logs) if logs else None
    if logged is None and told.lines:
        logged = first_failure(told.lines)
    program = default
    if told.instruction is not None and told.instruction < len(programs):
        program = programs[told.instruction]
    code, name, message = told.code, told.name, ""
    if logged is not None:
        program = logged.program or program
        code, name, message = _merge(told, logged)
    found = _look_up(program, code, name, message)
    return replace(found, instruction=told.instruction)


@dataclass(frozen=True)
class _Told:
    """An error in parts: position of the instruction, number, name; or the text that it came in."""

    instruction: int | None = None
    code: int | None = None
    name: str | None = None
    lines: tuple[str, ...] = ()


def _merge(told: _Told, logged: LoggedFailure) -> tuple[int | None, str | None, str]:
    if logged.code is None and logged.name is None:
        return told.code, told.name, logged.message
    return logged.code, logged.name, logged.message


def _read(error: object) -> _Told:
    """Take an error apart, whatever it comes as."""
    if isinstance(error, bool) or error is None:
        return _Told()
    if isinstance(error, int):
        return _Told(code=error)
    if isinstance(error, str):
        return _read_text(error)
    if isinstance(error, Mapping):
        return _read_json(error)
    return _read_object(error)


def _read_text(text: str) -> _Told:
    text = text.strip()
    if text.startswith("{"):
        try:
            return _read(json.loads(text))
        except ValueError:
            return _Told(lines=tuple(text.splitlines()))
    if found := _NUMBER.fullmatch(text):
        return _Told(code=int(found[1], 0))
    if re.fullmatch(r"\w+", text):
        return _Told(name=text)
    return _Told(lines=tuple(text.splitlines()))


def _read_json(error: Mapping[object, object]) -> _Told:
    for envelope in ("error", "data", "err"):  # of an RPC answer, from the outside in
        inner = error.get(envelope)
        if inner is not None:
            logs = error.get("logs")
            lines = tuple(str(line) for line in logs) if isinstance(logs, list) else ()
            told = _read(inner)
            return replace(told, lines=told.lines or lines)
    if len(error) != 1:
        return _read(str(error["message"])) if "message" in error else _Told()
    ((kind, value),) = error.items()
    if kind == "Custom" and isinstance(value, int):
        return _Told(code=value)
    if kind == "InstructionError" and isinstance(value, Sequence) and len(value) == 2:
        position, inner = value
        return replace(_read(inner), instruction=position if isinstance(position, int) else None)
    return _Told(name=str(kind))


def _read_object(error: object) -> _Told:
    """LiteSVM's errors, told by their attributes: the package is not needed to read them."""
    inner = getattr(error, "err", None)
    if inner is not None:
        if callable(inner):  # a failed transaction's metadata
            meta = getattr(error, "meta", None)
            lines = tuple(meta().logs()) if callable(meta) else ()
            return replace(_read(inner()), lines=lines)
        position = getattr(error, "index", None)
        return replace(_read(inner), instruction=position if isinstance(position, int) else None)
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return _Told(code=code)
    kind = type(error).__name__
    if not kind.endswith("Fieldless"):
        return _Told(name=kind.removeprefix("TransactionError").removeprefix("InstructionError"))
    return _Told(name=str(error).rpartition(".")[2])


def _look_up(program: str | None, code: int | None, name: str | None, message: str) -> ProgramError:
    known = None if program is None else find_program(program)
    title = known.name if known else program
    address = known.addresses[0] if known else program
    if known and program in known.addresses:
        address = program
    if code is None:
        return _look_up_name(known, title, address, name, message)
    also = None
    entry = known.errors.get(code) if known else None
    if entry is None and code in ANCHOR_CODES and (known is None or known.is_anchor):
        entry = _dictionary().anchor.get(code)
    if known and code in known.other_builds and known.other_builds[code][0] != (entry or ("",))[0]:
        other = known.other_builds[code]
        entry, also = (other, None) if entry is None or name == other[0] else (entry, other[0])
    if name is None and entry is None:
        cause = (
            "a number that means something else in every program; the program is not told"
            if program is None
            else f"a number that is not among the known errors of {title}; it may be of a newer build"
        )
        return ProgramError(title, address, code, "Custom", message, cause, "", ErrorClass.UNKNOWN)
    if entry is None or (name is not None and name != entry[0]):
        # The program's own word in the logs: it knows best what its number means.
        own = name or "Custom"
        return _advised(ProgramError(title, address, code, own, message, message, "", ErrorClass.UNKNOWN))
    return _advised(
        ProgramError(title, address, code, *entry, entry[1], "", ErrorClass.UNKNOWN, also=also),
    )


def _look_up_name(
    known: Program | None, title: str | None, address: str | None, name: str | None, message: str
) -> ProgramError:
    """An error without a number: the runtime's, or a name that somebody read."""
    if name is None:
        cause = message or "no error is told"
        return ProgramError(title, address, None, "Unknown", message, cause, "", ErrorClass.UNKNOWN)
    if known:
        for code, (own, text) in known.errors.items():
            if own == name:
                return _look_up(address, code, name, text)
    words = _OWN_WORDS.get(name) or _dictionary().runtime.get(name)
    if words is None:
        cause = message or "no error of this name is known"
        return ProgramError(title, address, None, name, message, cause, "", ErrorClass.UNKNOWN)
    said = message if name == PANIC and message else words
    found = ProgramError(title or _RUNTIME, address, None, name, said, said, "", ErrorClass.UNKNOWN)
    return _advised(found)


def _advised(error: ProgramError) -> ProgramError:
    advice = _advice(error)
    if advice is None:
        return replace(error, cause=error.cause or error.message or error.name)
    return replace(error, cause=advice.cause, cure=advice.cure, error_class=advice.error_class)


def _advice(error: ProgramError) -> Advice | None:
    own = PROGRAMS.get(error.program or "", {}).get(error.name)
    if own is not None:
        return own
    if error.code is None:
        return PANICKED if error.name == PANIC else RUNTIME.get(error.name)
    return ANCHOR.get(error.name) if error.code in ANCHOR_CODES else None

"""A strategy's rule file: compiled when a run begins, put into the native engine, taken anew when it changes.

The native engine asks the rules of every signal it is about to give (docs/STRATEGY_LANGUAGE.md, "Rules in the
engine"). A version counts once it has stood still from one look to the next: half a file may be valid, too. A
version that does not compile, or a file that is gone, changes nothing and is told once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from phantom_arbiter.errors import InvalidInput, SourceError
from phantom_arbiter.file_stamp import stamp
from phantom_core import CompileError, Engine, RuleFile, candidate_fields

TAKEN = "strategy_rules"
REFUSED = "strategy_rules_refused"


@dataclass(frozen=True, slots=True)
class RulesChange:
    """A new version of the rule file.

    Attributes:
        what: `TAKEN` or `REFUSED`.
        file: The file's name, without its folder.
        line: What is to be said of it, one line.
        before: The text in force until now; None before the first, and where that stays in force.
        after: The text in force from now on; of a refused version what is wrong with it.
    """

    what: str
    file: str
    line: str
    before: str | None
    after: str


def load_rules(path: Path) -> RuleFile:
    """Return the rule file, compiled over the fields that the native engine offers.

    Raises:
        SourceError: The file cannot be read or is no rule file: what, where, with the line itself.
    """
    try:
        return RuleFile(path, candidate_fields())
    except OSError as error:
        raise SourceError(f"rules {path} cannot be read: {error.strerror}") from error
    except CompileError as error:
        message, *excerpt = str(error).split("\n")
        if error.hint is not None:
            excerpt = excerpt[:-1]
        raise SourceError(
            f"rules {path}: {message}",
            hint=error.hint,
            place=(error.line, error.column),
            excerpt="\n".join(excerpt),
        ) from error
    except InvalidInput as error:
        raise SourceError(f"rules {error}") from error


class StrategyRules:
    """Keeps the rules of one file in force in one engine."""

    def __init__(self, path: Path, market: Engine) -> None:
        """Compile the file and put it into the engine.

        Raises:
            SourceError: As `load_rules`.
        """
        self._seen = stamp(path)
        self._file = load_rules(path)
        self._market = market
        self._told: str | None = None
        market.set_rules(self._file.rules)

    @property
    def text(self) -> str:
        """The text in force."""
        return self._file.rules.source

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text in force."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def begun(self) -> RulesChange:
        """Return that the first version is in force."""
        name = self._file.path.name
        return RulesChange(TAKEN, name, f"{self._file.path} is in force", None, self.text)

    def look(self) -> RulesChange | None:
        """Put a new version into force; return what changed since the last look, or None."""
        seen, self._seen = self._seen, stamp(self._file.path)
        if self._seen != seen:
            return None
        path, before = self._file.path, self.text
        if self._file.refresh():
            self._told = None
            self._market.set_rules(self._file.rules)
            line = f"{path} changed: its rules are in force from now on"
            if self.text == before:
                line = f"{path} holds the rules again that have stayed in force"
            return RulesChange(TAKEN, path.name, line, before, self.text)
        error = self._file.error
        if error is None or str(error) == self._told:
            return None
        self._told = str(error)
        why = f"it cannot be read: {error.strerror}" if isinstance(error, OSError) else _one_line(error)
        line = f"{path} changed and is not taken, the rules before it stay: {why}"
        return RulesChange(REFUSED, path.name, line, None, why)


def _one_line(error: Exception) -> str:
    """Return what a compile error says, without the excerpt of the source."""
    message, *_ = str(error).split("\n")
    hint = error.hint if isinstance(error, CompileError) else None
    return message if hint is None else f"{message}; hint: {hint}"

"""A market to look at: the accounts of a recording or a snapshot, nothing traded.

A recording goes through the same ordering of writes as a run (`WssAggregator`), but not through the search.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from phantom_arbiter.errors import ConfigError, InvalidInput, MarketDataError
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook, MintInfo, mint_book, short
from phantom_arbiter.native import judge_venues, token_rules
from phantom_arbiter.sources.recorded import DEMO_RECORDING
from phantom_arbiter.sources.snapshot import is_snapshot, read_snapshot
from phantom_core import AccountUpdate, Market, Pool, PoolInfo, Record, Recording, VenueInfo, WssAggregator

if TYPE_CHECKING:
    from phantom_arbiter.config import Config

DEMO = "demo"
REPORT_EVERY = 500
"""Records or accounts between two reports of progress."""

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be loaded.

    Attributes:
        source: `demo`, or the path of a recording or snapshot.
        until: Last slot whose writes are taken; None for all.
        assume_plain_mints: Take a mint whose account is not in the source as a plain SPL mint.
        complete: Take an account that is not in the source as not existing.
    """

    source: str = DEMO
    until: int | None = None
    assume_plain_mints: bool = False
    complete: bool = False


@dataclass(frozen=True, slots=True)
class LoadedMarket:
    """A market and what is known of its mints; `unreadable` counts writes that do not decode, by reason."""

    name: str
    market: Market
    book: MintBook
    unreadable: Mapping[str, int] = field(default_factory=dict)

    def pools(self) -> list[PoolInfo]:
        """Return the pools in the order in which they appeared."""
        return self.market.pools()

    def venues(self) -> list[VenueInfo]:
        """Return what is known of every venue."""
        return self.market.venues()

    def pool(self, address: str) -> Pool:
        """Return a copy of a pool.

        Raises:
            ConfigError: It is not in the source.
        """
        try:
            return self.market.pool(address)
        except InvalidInput as error:
            hint = "phantom pools lists those of a source"
            raise ConfigError(f"{error} ({self.name})", hint=hint) from error

    def info(self, mint: str) -> MintInfo | None:
        """Return symbol and decimals of a mint, None if its decimals are not known.

        The mint's own account decides, then what the source says, then what is generally known.
        """
        known = self.book.mints.get(mint)
        decimals = self.market.mint_decimals(mint)
        if decimals is None:
            return known
        return MintInfo(known.symbol if known else short(mint), decimals)

    def find_mint(self, word: str, option: str) -> str:
        """Return the mint that an address or a symbol means, of those that the pools trade.

        Args:
            word: Address or symbol.
            option: Where the word was given, for the message.

        Raises:
            ConfigError: No pool trades it, or several mints have that symbol.
        """
        traded = {mint: None for pool in self.pools() for mint in (pool.mint_a, pool.mint_b)}
        if word in traded:
            return word
        # A recording may have its own word for what everybody knows by another.
        books = (self.book, MintBook(WELL_KNOWN_MINTS))
        named = [mint for mint in traded if word in [book.symbol(mint) for book in books]]
        if len(named) == 1:
            return named[0]
        if named:
            raise ConfigError(f"{option} is {word}, the symbol of {' and '.join(named)}")
        hint = "phantom pools lists the pairs of a source; a mint without a symbol goes by its address"
        raise ConfigError(f"{option} is {word}, which no pool of {self.name} trades", hint=hint)

    def book_of(self, mints: Iterable[str]) -> MintBook:
        """Return what is known of these mints."""
        return MintBook({mint: info for mint in mints if (info := self.info(mint)) is not None})


def load_market(request: Request, config: Config, on_progress: OnProgress | None = None) -> LoadedMarket:
    """Return the market that the source leaves.

    Args:
        request: What to load.
        config: Its sections engine (assume_plain_mints), market (venues) and tokens are read.
        on_progress: Told how many of how many records or accounts have been taken.

    Raises:
        ConfigError: The source does not exist or is neither recording nor snapshot.
        RecordingError: The recording is corrupt.
    """
    path = source_path(request.source)
    report = on_progress or (lambda done, total: None)
    plain = request.assume_plain_mints or config.engine.assume_plain_mints
    if is_snapshot(path):
        return _from_snapshot(path, request, config, report, plain=plain)
    return _from_recording(path, request, config, report, plain=plain)


def source_path(source: str) -> Path:
    """Return the file that a source names.

    Raises:
        ConfigError: There is none.
    """
    path = DEMO_RECORDING if source == DEMO else Path(source)
    if not path.exists():
        raise ConfigError(f"source {source} does not exist", hint=f"it is {DEMO}, a recording or a snapshot")
    if not path.is_file():
        raise ConfigError(f"source {source} is not a file")
    return path


def _new_market(config: Config, *, assume_plain_mints: bool, complete: bool) -> Market:
    market = Market(assume_plain_mints=assume_plain_mints, complete=complete)
    judge_venues(market, config.market)
    market.set_token_rules(token_rules(config.tokens))
    return market


def _from_snapshot(
    path: Path, request: Request, config: Config, report: OnProgress, *, plain: bool
) -> LoadedMarket:
    market = _new_market(config, assume_plain_mints=plain, complete=request.complete)
    accounts = read_snapshot(path)
    unreadable: Counter[str] = Counter()
    for done, account in enumerate(accounts, start=1):
        if request.until is None or account.slot <= request.until:
            try:
                if account.owner is None or account.data is None:
                    market.apply(account.pubkey, None, slot=account.slot)
                else:
                    market.apply(account.pubkey, account.owner, account.data, account.slot)
            except MarketDataError as error:
                unreadable[error.reason or ""] += 1
            except InvalidInput as error:
                raise ConfigError(f"snapshot {path}, account {done}: {error}") from error
        if done % REPORT_EVERY == 0:
            report(done, len(accounts))
    return LoadedMarket(path.name, market, MintBook(WELL_KNOWN_MINTS), unreadable)


def _from_recording(
    path: Path, request: Request, config: Config, report: OnProgress, *, plain: bool
) -> LoadedMarket:
    recording = Recording(path)
    metadata = recording.header.get("metadata") or {}
    plain = plain or metadata.get("plain_mints") is True
    market = _new_market(config, assume_plain_mints=plain, complete=request.complete)
    unreadable: Counter[str] = Counter()
    done = 0
    for updates, records in _replayed(recording):
        for update in updates:
            if request.until is None or update.slot <= request.until:
                unreadable.update(_applied(market, update))
        done += records
        report(done, recording.records)
    named = mint_book(metadata.get("mints"))
    return LoadedMarket(path.name, market, MintBook({**WELL_KNOWN_MINTS, **named.mints}), unreadable)


def _applied(market: Market, update: AccountUpdate) -> Iterable[str]:
    """Apply one write; return the reason if it does not decode."""
    try:
        if update.owner is None or update.data is None:
            market.apply(update.pubkey, None, slot=update.slot)
        else:
            market.apply(update.pubkey, update.owner, update.data, update.slot)
    except MarketDataError as error:
        return [error.reason or ""]
    return ()


def _replayed(recording: Iterable[Record]) -> Iterable[tuple[list[AccountUpdate], int]]:
    """Give the ordered writes of a recording with the number of records they came from, in portions."""
    aggregator = WssAggregator()
    for is_received, run in groupby(recording, key=lambda record: record.kind == "received"):
        portion: list[Record] = []
        for record in run:
            portion.append(record)
            if is_received and len(portion) == REPORT_EVERY:
                yield _received(aggregator, portion), len(portion)
                portion = []
        if is_received:
            yield _received(aggregator, portion), len(portion)
        else:
            yield _told(aggregator, portion), len(portion)


def _received(aggregator: WssAggregator, records: list[Record]) -> list[AccountUpdate]:
    news = aggregator.push_many([record.endpoint for record in records], [record.frame for record in records])
    return [update for _, update in news if isinstance(update, AccountUpdate)]


def _told(aggregator: WssAggregator, records: list[Record]) -> list[AccountUpdate]:
    released: list[AccountUpdate] = []
    for record in records:
        match record.kind:
            case "connect":
                aggregator.connect(record.endpoint)
            case "sent":
                aggregator.request(record.endpoint, record.frame)
            case "disconnect":
                released += aggregator.disconnect(record.endpoint)
            case "received":
                pass
    return released


def parse_amount(text: str, mint: str, info: MintInfo | None) -> int:
    """Return an amount in base units: a whole number is one already, a decimal fraction is whole tokens.

    Raises:
        ConfigError: Not a number, finer than the mint's base unit, or its decimals are not known.
    """
    digits = text.replace("_", "").replace(",", "")
    if digits.isascii() and digits.isdigit():
        return int(digits)
    whole, point, part = digits.partition(".")
    if not point or not (whole + part).isascii() or not (whole + part).isdigit():
        raise ConfigError(f"AMOUNT is {text!r}", hint="base units as in 1000000, or whole tokens as in 1.0")
    if info is None:
        raise ConfigError(
            f"AMOUNT is {text}, but the decimals of {mint} are not known", hint="use base units"
        )
    part = part.rstrip("0")
    if len(part) > info.decimals:
        raise ConfigError(f"AMOUNT is {text}, but {info.symbol} has {info.decimals} decimals")
    return int(Decimal(f"{whole or 0}.{part or 0}").scaleb(info.decimals))

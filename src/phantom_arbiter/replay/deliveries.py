"""Run a recording's records through an aggregator: what each of them brought."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeAlias

from phantom_core import (
    AccountUpdate,
    InvalidInput,
    LogUpdate,
    Record,
    RootUpdate,
    SignatureUpdate,
    SlotStageUpdate,
    SlotUpdate,
    WssAggregator,
)

Update: TypeAlias = AccountUpdate | LogUpdate | SlotUpdate | RootUpdate | SlotStageUpdate | SignatureUpdate


def deliveries(
    records: Iterable[Record], aggregator: WssAggregator | None = None
) -> Iterator[tuple[Record, tuple[Update, ...]]]:
    """Return every record with the news that `aggregator` (a fresh one by default) found in it.

    A request that cannot be read is passed over: nobody could understand its answer either.

    Raises:
        RecordingError: While iterating: the recording is corrupt.
    """
    aggregator = aggregator or WssAggregator()
    numbers: dict[str, int] = {}
    for record in records:
        number = numbers.get(record.endpoint)
        if number is None:
            number = numbers[record.endpoint] = aggregator.endpoint(record.endpoint)
        news: tuple[Update, ...] = ()
        match record.kind:
            case "received":
                news = aggregator.push(number, record.frame)
            case "sent":
                with suppress(InvalidInput):
                    aggregator.request(number, record.frame)
            case "connect":
                aggregator.connect(number)
            case "disconnect":
                news = aggregator.disconnect(number)
        yield record, news

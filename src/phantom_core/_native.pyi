from collections.abc import Iterable
from typing import TypeAlias, final

from typing_extensions import Buffer

# ---- errors

class PhantomError(Exception):
    """Base of everything that phantom_core raises."""

class InvalidInput(PhantomError):
    """An argument is malformed: which one, what it holds, what it may hold."""

class MarketDataError(PhantomError):
    """Account data is missing, undecodable or not what it claims to be; the pool is set aside."""

class SwapRefused(PhantomError):
    """The on-chain program would refuse this swap; `name` and `code` are the program's own."""

    name: str
    code: int | None

class RecordingError(PhantomError):
    """A recording is missing, torn or corrupt."""

# ---- wss_aggregator

@final
class AccountUpdate:
    """One state of one account, to be applied."""

    @property
    def pubkey(self) -> str:
        """The account's address, in base58."""

    @property
    def slot(self) -> int:
        """The slot of the write."""

    @property
    def exists(self) -> bool:
        """False if it is known that there is no such account: the rest is None then."""

    @property
    def owner(self) -> str | None:
        """The program that owns the account, in base58."""

    @property
    def lamports(self) -> int | None:
        """The account's balance."""

    @property
    def data(self) -> bytes | None:
        """The account's data, decoded. Every access makes a copy."""

@final
class LogUpdate:
    """The log of one transaction."""

    @property
    def signature(self) -> str:
        """The transaction's signature, in base58."""

    @property
    def slot(self) -> int:
        """The slot of the transaction."""

    @property
    def failed(self) -> bool:
        """Whether the transaction failed."""

    @property
    def logs(self) -> list[str]:
        """The lines of the log; nodes may cut long ones short."""

@final
class SlotUpdate:
    """A slot begins."""

    @property
    def slot(self) -> int:
        """The new slot: higher than all notified before."""

    @property
    def parent(self) -> int:
        """The slot it follows."""

    @property
    def root(self) -> int:
        """The last rooted slot."""

@final
class SignatureUpdate:
    """A signature was received or reached the commitment asked for."""

    @property
    def signature(self) -> str:
        """The signature, in base58."""

    @property
    def slot(self) -> int:
        """The slot of the notification."""

    @property
    def received(self) -> bool:
        """True for "received by the node", False for the final notification."""

    @property
    def failed(self) -> bool:
        """Whether the transaction failed."""

@final
class EndpointStats:
    """Counters of one endpoint since it was first named.

    `frames` counts frames; `wins`, `duplicates`, `stale` and `held` count what frames say: an
    answer to `getMultipleAccounts` adds one for every account in it.
    """

    @property
    def name(self) -> str:
        """The endpoint's name."""

    @property
    def frames(self) -> int:
        """Frames received."""

    @property
    def wins(self) -> int:
        """News that this endpoint brought."""

    @property
    def duplicates(self) -> int:
        """What had been delivered before."""

    @property
    def stale(self) -> int:
        """What was older than the applied state."""

    @property
    def held(self) -> int:
        """Writes kept back because they were not provably newer."""

    @property
    def control(self) -> int:
        """Confirmations, refusals and messages of other kinds."""

    @property
    def refusals(self) -> int:
        """Requests that the endpoint refused; part of `control`."""

    @property
    def malformed(self) -> dict[str, int]:
        """Frames refused, by reason; no zeros."""

    @property
    def disconnects(self) -> int:
        """Connections closed."""

@final
class AggregatorStats:
    """Counters of an aggregator or filter."""

    @property
    def endpoints(self) -> list[EndpointStats]:
        """One for each endpoint, in the order in which they were first named."""

    @property
    def accounts(self) -> int:
        """Accounts remembered."""

    @property
    def released(self) -> int:
        """Writes kept back that a disconnect released."""

@final
class WssAggregator:
    """Turns frames of several endpoints into one ordered stream of account states.

    Whatever the interleaving: once every endpoint has delivered its last write of an account, the
    state applied last is that write; where every endpoint delivers everything, the states come in
    the chain's order. An endpoint is given by name, or by the number that `endpoint` returned.
    An instance may be used from several threads, one at a time gets in.

    Args:
        max_slot_lead: Slots a frame may be ahead of the highest seen; default 432,000.
        max_frame_bytes: Longest frame read; default 64 MiB.
        max_accounts: Accounts remembered; default 1,048,576.
        max_pending: Unanswered requests remembered per endpoint; default 4,096.
        max_seen: Signatures remembered; default 65,536.
    """

    def __new__(
        cls,
        *,
        max_slot_lead: int | None = None,
        max_frame_bytes: int | None = None,
        max_accounts: int | None = None,
        max_pending: int | None = None,
        max_seen: int | None = None,
    ) -> WssAggregator: ...
    def endpoint(self, name: str) -> int:
        """Return the number of the endpoint with this name; register it on first use."""

    def connect(self, endpoint: int | str) -> None:
        """Take notice of a new connection: subscriptions and requests of the old one are void."""

    def request(self, endpoint: int | str, frame: Buffer) -> None:
        """Take notice of an outgoing JSON-RPC request, so that its answer is understood.

        Raises:
            InvalidInput: It cannot be read, or one too many is unanswered.
        """

    def subscribed(self, endpoint: int | str, subscription: int, pubkey: str) -> None:
        """Take notice of a confirmed `accountSubscribe`, without request and confirmation.

        Raises:
            InvalidInput: `pubkey` is no address.
        """

    def push(self, endpoint: int | str, frame: Buffer) -> tuple[_Update, ...]:
        """Return the news in an incoming frame: empty unless fresh.

        Never raises for what the frame holds: a bad one is counted. Frames of 16 KiB and more
        are read without the GIL; for smaller ones releasing it costs more than it gives.

        Raises:
            InvalidInput: No such endpoint, or `frame` is no byte buffer.
        """

    def push_many(
        self, endpoints: bytes | Iterable[int | str], frames: Iterable[Buffer]
    ) -> list[tuple[int, _Update]]:
        """Return the news in many frames, each with the position of its frame.

        The GIL is released while frames are read.

        Args:
            endpoints: One for each frame; `bytes` are taken as numbers.
            frames: In the order of arrival.

        Raises:
            InvalidInput: Another number of endpoints than frames, or one that does not exist.
        """

    def disconnect(self, endpoint: int | str) -> tuple[AccountUpdate, ...]:
        """Take notice of the end of a connection; return the kept writes that this releases."""

    @property
    def highest_slot(self) -> int:
        """The highest slot of all accepted frames; 0 before the first."""

    def stats(self) -> AggregatorStats:
        """Return a copy of the counters."""

@final
class DuplicateFilter:
    """Says of every frame whether its message has been seen before, whichever endpoint sent it.

    Keeps no order: nothing is stale or held, and addresses are checked for their letters only.
    Arguments as for `WssAggregator`; `max_seen` bounds all messages remembered.
    """

    def __new__(
        cls,
        *,
        max_slot_lead: int | None = None,
        max_frame_bytes: int | None = None,
        max_accounts: int | None = None,
        max_pending: int | None = None,
        max_seen: int | None = None,
    ) -> DuplicateFilter: ...
    def endpoint(self, name: str) -> int:
        """Return the number of the endpoint with this name; register it on first use."""

    def connect(self, endpoint: int | str) -> None:
        """Take notice of a new connection: subscriptions and requests of the old one are void."""

    def disconnect(self, endpoint: int | str) -> None:
        """Take notice of the end of a connection."""

    def request(self, endpoint: int | str, frame: Buffer) -> None:
        """Take notice of an outgoing JSON-RPC request.

        Raises:
            InvalidInput: It cannot be read, or one too many is unanswered.
        """

    def subscribed(self, endpoint: int | str, subscription: int, pubkey: str) -> None:
        """Take notice of a confirmed `accountSubscribe`.

        Raises:
            InvalidInput: `pubkey` is not 32 to 44 base58 letters.
        """

    def push(self, endpoint: int | str, frame: Buffer) -> bool:
        """Return whether the frame says something new.

        Raises:
            InvalidInput: No such endpoint, or `frame` is no byte buffer.
        """

    def push_many(self, endpoints: bytes | Iterable[int | str], frames: Iterable[Buffer]) -> list[int]:
        """Return the positions of the frames that say something new, GIL released meanwhile.

        Raises:
            InvalidInput: Another number of endpoints than frames, or one that does not exist.
        """

    def forget(self) -> None:
        """Forget all messages; endpoints, subscriptions and counters stay."""

    def stats(self) -> AggregatorStats:
        """Return a copy of the counters; `stale`, `held` and `released` stay 0."""

_Update: TypeAlias = AccountUpdate | LogUpdate | SlotUpdate | SignatureUpdate

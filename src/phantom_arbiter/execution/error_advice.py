"""Causes and cures, in our words, of the errors that arbitrage meets; and what the bot does next.

By program and name, since numbers change between builds of a program. What is not listed here keeps the
message of its program.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ErrorClass(StrEnum):
    """What the bot does next."""

    MOVED = "moved"
    """Price or liquidity moved: drop the attempt."""
    EXPIRED = "expired"
    """The transaction is too old: build it again, once this one is certainly dead."""
    FUNDS = "funds"
    """The wallet lacks tokens or SOL: stop."""
    ACCOUNT = "account"
    """An account is missing: create it."""
    BUDGET = "budget"
    """Too few compute units or bytes: ask for more."""
    CONFIG = "config"
    """The transaction is built wrongly, or for another build of the program: fix."""
    BUSY = "busy"
    """The network is busy: send the same again."""
    CLOSED = "closed"
    """The pool or mint takes no swaps: set it aside."""
    UNKNOWN = "unknown"
    """Not known: a person has to look."""


@dataclass(frozen=True)
class Advice:
    """What an error comes from and what helps."""

    error_class: ErrorClass
    cause: str
    cure: str


SLIPPAGE: Final = Advice(
    ErrorClass.MOVED,
    "the price moved: the swap gives less, or takes more, than the transaction allows",
    "none needed: the limit did its work; drop the attempt",
)
NOTHING_OUT: Final = Advice(
    ErrorClass.MOVED,
    "the amount is so small, or the pool so empty, that nothing comes out or nothing goes in",
    "drop the attempt; size it anew on the present state",
)
NO_LIQUIDITY: Final = Advice(
    ErrorClass.MOVED,
    "the pool has no more liquidity in this direction for the amount",
    "drop the attempt; size it anew on the present state",
)
TICK_ARRAYS: Final = Advice(
    ErrorClass.MOVED,
    "the swap needs a tick array that the instruction does not bring: the price left them, or the"
    " amount crosses more of them",
    "drop the attempt; build anew with the arrays around the present price, or a smaller amount",
)
BIN_ARRAYS: Final = Advice(
    ErrorClass.MOVED,
    "the swap needs a bin array that the instruction does not bring: the price left them, or the"
    " amount crosses more of them",
    "drop the attempt; build anew with the arrays around the present price, or a smaller amount",
)
OVERFLOW: Final = Advice(
    ErrorClass.MOVED,
    "the amount is beyond what the pool can calculate with in its present state",
    "drop the attempt; size it anew on the present state",
)
CLOSED: Final = Advice(
    ErrorClass.CLOSED,
    "the pool takes no swaps now: switched off, or not open yet",
    "set the pool aside until its account changes",
)
BUILT_WRONGLY: Final = Advice(
    ErrorClass.CONFIG,
    "the instruction names an account or argument that the program does not accept",
    "compare with `phantom conformance`; the program may have been upgraded",
)
TOKENS_SHORT: Final = Advice(
    ErrorClass.FUNDS,
    "the account that pays holds less than the transfer: the wallet's, or the hop before gave less",
    "fund the wallet, or lower the size limit; if its balance suffices, the price moved",
)
SOL_SHORT: Final = Advice(
    ErrorClass.FUNDS,
    "the wallet has too little SOL for the transfer, the tip or the rent of a new account",
    "fund the wallet",
)
NO_ACCOUNT: Final = Advice(
    ErrorClass.ACCOUNT,
    "an account that has to exist does not, most often one of the wallet's token accounts",
    "create the token account, `phantom doctor` lists what is missing",
)
FROZEN: Final = Advice(
    ErrorClass.CLOSED,
    "a token account of the swap is frozen by the mint's authority",
    "set the pool aside; ban the mint if it is the wallet's account",
)
COMPUTE: Final = Advice(
    ErrorClass.BUDGET,
    "the instructions took more compute units than the transaction asked for",
    "raise the compute unit limit: rehearse again, the swap crosses more than it did",
)
STOPPED: Final = Advice(
    ErrorClass.UNKNOWN,
    "it stopped without an error number: a panic, or no compute units left; the logs tell which",
    "read the logs; rehearse on the present state",
)
PANICKED: Final = Advice(
    ErrorClass.MOVED,
    "the program panicked, as some do when an amount leaves the range that it calculates in",
    "drop the attempt; if it comes again on a fresh state, set the pool aside",
)
EXPIRED: Final = Advice(
    ErrorClass.EXPIRED,
    "the transaction's blockhash is not known: too old, or newer than the node that was asked",
    "build again with a fresh blockhash once this signature is certainly dead",
)
NONCE_MOVED: Final = Advice(
    ErrorClass.EXPIRED,
    "the durable nonce has moved on: another copy landed, or it was advanced",
    "reconcile by signature, then build again on the nonce's present value",
)
LOOKUP_TABLE: Final = Advice(
    ErrorClass.CONFIG,
    "a lookup table lacks what the transaction looks up: closed, another one, or extended in this slot",
    "read the table again; use entries from the slot after their extension on (`phantom alt`)",
)
LATER: Final = Advice(
    ErrorClass.BUSY,
    "the block, or an account's share of it, is full, or another transaction holds the account",
    "send the same bytes again; raise the compute unit price if it lasts",
)
TOO_LARGE: Final = Advice(
    ErrorClass.CONFIG,
    "the transaction locks or loads more than the runtime allows",
    "leave such routes out: fewer hops or arrays",
)
SIGNATURE: Final = Advice(
    ErrorClass.CONFIG,
    "a signature is missing or does not fit the message",
    "sign the message that is sent, with every key that it names as a signer",
)

RUNTIME: Final[dict[str, Advice]] = {
    "BlockhashNotFound": EXPIRED,
    "AlreadyProcessed": Advice(
        ErrorClass.BUSY,
        "this very transaction has landed already, or is landing",
        "send nothing: ask for the status of its signature",
    ),
    "InsufficientFundsForFee": SOL_SHORT,
    "InsufficientFundsForRent": Advice(
        ErrorClass.FUNDS,
        "an account would keep less than its rent: mostly the wallet, or a tip to an empty account",
        "fund the wallet; keep a reserve for rent",
    ),
    "InvalidRentPayingAccount": SOL_SHORT,
    "AccountNotFound": Advice(
        ErrorClass.FUNDS,
        "the fee payer has never held SOL on this cluster",
        "fund the wallet, check the cluster",
    ),
    "InvalidAccountForFee": Advice(
        ErrorClass.CONFIG,
        "the fee payer is not a plain wallet",
        "pay fees from an account of the system program",
    ),
    "ProgramAccountNotFound": Advice(
        ErrorClass.CONFIG, "a program does not exist on this cluster", "check program address and cluster"
    ),
    "InvalidProgramForExecution": Advice(
        ErrorClass.CONFIG, "an address called as a program is none", "check the program's address"
    ),
    "AccountNotExecutable": Advice(
        ErrorClass.CONFIG,
        "an address called as a program is none (in a rehearsal: it is not in the programs folder)",
        "check the program's address; `phantom programs fetch` for rehearsals",
    ),
    "UnsupportedProgramId": BUILT_WRONGLY,
    "AccountInUse": LATER,
    "WouldExceedMaxBlockCostLimit": LATER,
    "WouldExceedMaxAccountCostLimit": LATER,
    "WouldExceedMaxVoteCostLimit": LATER,
    "WouldExceedAccountDataBlockLimit": LATER,
    "WouldExceedAccountDataTotalLimit": LATER,
    "ClusterMaintenance": LATER,
    "ProgramCacheHitMaxLimit": LATER,
    "CommitCancelled": LATER,
    "BailOut": LATER,
    "ResanitizationNeeded": LATER,
    "ProgramExecutionTemporarilyRestricted": LATER,
    "TooManyAccountLocks": TOO_LARGE,
    "MaxLoadedAccountsDataSizeExceeded": Advice(
        ErrorClass.BUDGET,
        "the accounts are larger than the loaded-accounts limit that the transaction asked for",
        "raise that limit",
    ),
    "InvalidLoadedAccountsDataSizeLimit": BUILT_WRONGLY,
    "AddressLookupTableNotFound": LOOKUP_TABLE,
    "InvalidAddressLookupTableOwner": LOOKUP_TABLE,
    "InvalidAddressLookupTableData": LOOKUP_TABLE,
    "InvalidAddressLookupTableIndex": LOOKUP_TABLE,
    "SignatureFailure": SIGNATURE,
    "MissingSignatureForFee": SIGNATURE,
    "MissingRequiredSignature": SIGNATURE,
    "SanitizeFailure": BUILT_WRONGLY,
    "AccountLoadedTwice": BUILT_WRONGLY,
    "InvalidAccountIndex": BUILT_WRONGLY,
    "InvalidWritableAccount": BUILT_WRONGLY,
    "UnsupportedVersion": BUILT_WRONGLY,
    "DuplicateInstruction": Advice(
        ErrorClass.CONFIG, "two compute budget instructions of one kind", "give each kind once"
    ),
    "ComputationalBudgetExceeded": COMPUTE,
    "ComputeBudgetExceeded": COMPUTE,
    "ProgramFailedToComplete": STOPPED,
    "InsufficientFunds": SOL_SHORT,
    "NotEnoughAccountKeys": BUILT_WRONGLY,
    "MissingAccount": BUILT_WRONGLY,
    "InvalidAccountData": Advice(
        ErrorClass.ACCOUNT,
        "an account holds not what the program expects: a token account not made yet, or of another mint",
        "create the token account; check its mint and token program",
    ),
    "UninitializedAccount": NO_ACCOUNT,
    "AccountNotRentExempt": SOL_SHORT,
    "InvalidAccountOwner": NO_ACCOUNT,
    "IncorrectProgramId": Advice(
        ErrorClass.CONFIG,
        "an account belongs to another program, most often a mint of Token-2022 given with SPL Token",
        "name the token program that owns the mint",
    ),
    "InvalidInstructionData": BUILT_WRONGLY,
    "InvalidArgument": BUILT_WRONGLY,
    "InvalidSeeds": BUILT_WRONGLY,
    "PrivilegeEscalation": BUILT_WRONGLY,
    "ReadonlyDataModified": BUILT_WRONGLY,
    "ReadonlyLamportChange": BUILT_WRONGLY,
    "MaxInstructionTraceLengthExceeded": TOO_LARGE,
    "MaxAccountsExceeded": TOO_LARGE,
    "CallDepth": TOO_LARGE,
    "ArithmeticOverflow": OVERFLOW,
}
"""By the runtime's name of a transaction error or an instruction error."""

ANCHOR: Final[dict[str, Advice]] = {
    "AccountNotInitialized": NO_ACCOUNT,
    "AccountOwnedByWrongProgram": NO_ACCOUNT,
    "AccountDiscriminatorNotFound": NO_ACCOUNT,
    "AccountNotEnoughKeys": Advice(
        ErrorClass.CONFIG,
        "the instruction brings fewer accounts than the program wants",
        "compare with `phantom conformance`; the program may have been upgraded",
    ),
    "InstructionFallbackNotFound": Advice(
        ErrorClass.CONFIG,
        "the program has no such instruction: it was upgraded or downgraded",
        "name an older instruction, or update",
    ),
    "RequireGtViolated": NOTHING_OUT,
    "RequireGteViolated": NOTHING_OUT,
    **dict.fromkeys(
        (
            "InstructionDidNotDeserialize",
            "ConstraintMut",
            "ConstraintHasOne",
            "ConstraintSigner",
            "ConstraintRaw",
            "ConstraintOwner",
            "ConstraintSeeds",
            "ConstraintAddress",
            "ConstraintTokenMint",
            "ConstraintTokenOwner",
            "ConstraintTokenTokenProgram",
            "ConstraintMintTokenProgram",
            "ConstraintAssociated",
            "RequireKeysEqViolated",
            "RequireEqViolated",
            "AccountDiscriminatorMismatch",
            "AccountNotMutable",
            "InvalidProgramId",
            "AccountNotSigner",
            "AccountNotAssociatedTokenAccount",
        ),
        BUILT_WRONGLY,
    ),
}
"""By Anchor's name of an error of its own."""

"""The command `phantom`: registers the commands and turns every error into one sentence on stderr.

Exit status: 0 done, 1 failed, 2 wrong usage or configuration. Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from phantom_arbiter.commands.alt import build_alt
from phantom_arbiter.commands.config import config
from phantom_arbiter.commands.conformance import conformance
from phantom_arbiter.commands.cycles import cycles
from phantom_arbiter.commands.dashboard import dashboard
from phantom_arbiter.commands.doctor import doctor
from phantom_arbiter.commands.explain import explain
from phantom_arbiter.commands.explain_error import explain_error
from phantom_arbiter.commands.fees import fees
from phantom_arbiter.commands.grafana import grafana
from phantom_arbiter.commands.halt import halt, resume
from phantom_arbiter.commands.journal import journal
from phantom_arbiter.commands.localnet import localnet
from phantom_arbiter.commands.nonce import build_nonce
from phantom_arbiter.commands.pools import pools
from phantom_arbiter.commands.programs import build_programs
from phantom_arbiter.commands.quote import quote
from phantom_arbiter.commands.record import record
from phantom_arbiter.commands.recordings import build_recordings
from phantom_arbiter.commands.replay import replay
from phantom_arbiter.commands.report import report
from phantom_arbiter.commands.rules import build_rules
from phantom_arbiter.commands.run import run
from phantom_arbiter.commands.snapshot import snapshot
from phantom_arbiter.commands.tokens import tokens
from phantom_arbiter.commands.traces import traces
from phantom_arbiter.commands.trade import trade
from phantom_arbiter.commands.venues import venues
from phantom_arbiter.commands.version import version
from phantom_arbiter.commands.wallet import build_wallet
from phantom_arbiter.commands.watch import watch
from phantom_arbiter.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_USAGE,
    PhantomError,
    SourceError,
    exit_code,
)

DEBUG = "--debug"
_TYPER_INTERRUPTED = 130
"""What newer Typers return for an interrupt, without a word; older ones raise `Abort`."""


def build_app() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(name="phantom", pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_phantom)
    app.command()(run)
    app.command()(record)
    app.command()(replay)
    app.add_typer(build_recordings(), name="recordings")
    app.command()(quote)
    app.command()(trade)
    app.command()(pools)
    app.command()(tokens)
    app.command()(venues)
    app.command()(cycles)
    app.command()(fees)
    app.command()(explain)
    app.command()(explain_error)
    app.add_typer(build_rules(), name="rules")
    app.command()(snapshot)
    app.add_typer(build_programs(), name="programs")
    app.command()(dashboard)
    app.command()(journal)
    app.command()(watch)
    app.command()(grafana)
    app.command()(traces)
    app.command()(report)
    app.command()(halt)
    app.command()(resume)
    app.add_typer(build_wallet(), name="wallet")
    app.add_typer(build_alt(), name="alt")
    app.add_typer(build_nonce(), name="nonce")
    app.command()(doctor)
    app.command()(config)
    app.command()(conformance)
    app.command()(localnet)
    app.command()(version)
    return app


def _phantom(
    context: typer.Context,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error.")] = False,
) -> None:
    """Find and execute arbitrage across Solana's decentralised exchanges; on paper without --live."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    Args:
        arguments: Words after `phantom`; those of the process if `None`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Accepted anywhere, since one adds it at the end of a line that has just failed.
    debug = DEBUG in words
    words = [word for word in words if word != DEBUG]
    try:
        status = build_app()(args=words, prog_name="phantom", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except (KeyboardInterrupt, typer.Abort):
        return _failed("interrupted", EXIT_FAILED, debug=debug)
    except PhantomError as error:
        excerpt = error.excerpt if isinstance(error, SourceError) else ""
        return _failed(str(error), exit_code(error), debug=debug, excerpt=excerpt)
    except Exception as error:
        usage = _usage_message(error)
        if usage is not None:
            return _failed(f"{usage}; hint: phantom --help", EXIT_USAGE, debug=debug)
        message = (
            f"internal error: {type(error).__name__}: {error}; hint: {DEBUG} shows where, please report it"
        )
        return _failed(message, EXIT_FAILED, debug=debug)
    if status == _TYPER_INTERRUPTED:
        return _failed("interrupted", EXIT_FAILED, debug=False)
    return status if isinstance(status, int) else EXIT_DONE


def _usage_message(error: Exception) -> str | None:
    """Return what is wrong with the words, if that is what `error` says.

    Typer raises Click's exceptions, which newer versions carry along as their own: known by their face.
    """
    format_message = getattr(error, "format_message", None)
    if not callable(format_message):
        return None
    return str(format_message()).replace("Value error, ", "").rstrip(".")


def _failed(message: str, status: int, *, debug: bool, excerpt: str = "") -> int:
    if debug:
        traceback.print_exc()
    print(f"phantom: error: {' '.join(message.split())}", file=sys.stderr)
    if excerpt:
        print(excerpt, file=sys.stderr)
    return status

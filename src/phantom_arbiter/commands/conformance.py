"""`phantom conformance`: run golden swap vectors and print what differs."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from phantom_arbiter.conformance import (
    FileReport,
    VectorFile,
    VectorFileError,
    explain,
    read_vectors,
    run_file,
)
from phantom_arbiter.errors import EXIT_DONE, EXIT_FAILED

_NOT_SUPPORTED = "not supported yet"


def conformance(
    vectors: Annotated[list[Path], typer.Argument(help="Vector files (.jsonl.gz).", show_default=False)],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
    explain_id: Annotated[
        int | None,
        typer.Option("--explain", metavar="ID", help="Show one swap: expected and got side by side."),
    ] = None,
    differences: Annotated[
        int, typer.Option("--differences", min=0, help="How many differing swaps to print per file.")
    ] = 3,
) -> None:
    """Compare quotes, errors and instructions with what real programs did, swap by swap.

    Exits 0 only if every vector of every file was run and equal, 1 if not, 2 if a file is no vector file.
    """
    files = [read_vectors(path) for path in vectors]
    if explain_id is not None:
        passed = _explain(files, explain_id, json_output=json_output)
    else:
        passed = _run(files, differences, json_output=json_output)
    raise typer.Exit(EXIT_DONE if passed else EXIT_FAILED)


def _run(files: list[VectorFile], max_differences: int, *, json_output: bool) -> bool:
    reports = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    hidden = json_output or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        for file in files:
            task = progress.add_task(escape(file.path.name), total=len(file.swaps))
            on_swap = partial(progress.advance, task)
            reports.append(run_file(file, max_differences=max_differences, on_swap=on_swap))
    passed = all(report.passed for report in reports)
    if json_output:
        summary = {"passed": passed, "files": [_as_json(report) for report in reports]}
        typer.echo(json.dumps(summary, indent=2))
    else:
        _print_table(reports)
    return passed


def _print_table(reports: list[FileReport]) -> None:
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("vectors", overflow="fold")
    table.add_column("answered by")
    table.add_column("swaps", justify="right")
    table.add_column("equal", justify="right")
    table.add_column("failures", justify="right")
    table.add_column("instructions", justify="right")
    table.add_column("result", no_wrap=True)
    for report in reports:
        equal = str(report.equal) if report.supported else "-"
        result = "equal" if report.passed else "DIFFERENT" if report.supported else _NOT_SUPPORTED
        name = report.path.name.removesuffix(".jsonl.gz")
        answered_by = report.source.removeprefix("real-")
        instructions = f"{report.instructions_equal}/{report.instructions}" if report.instructions else "-"
        cells = (escape(name), answered_by, str(report.swaps), equal, str(report.failures_expected))
        table.add_row(*cells, instructions, result)
    console.print(table)
    for report in reports:
        for difference in report.differences:
            swap = f"swap {difference.swap_id} ({difference.kind}, {difference.operation})"
            where = f"{report.path.name}: {swap}"
            console.print(escape(where), highlight=False, soft_wrap=True)
            for each in difference.fields:
                line = f"  {each.name}: expected {each.expected}, got {each.got}"
                console.print(escape(line), highlight=False, soft_wrap=True)


def _explain(files: list[VectorFile], swap_id: int, *, json_output: bool) -> bool:
    if len(files) != 1:
        raise VectorFileError("--explain takes exactly one vector file")
    swap, fields = explain(files[0], swap_id)
    if fields is None:
        typer.echo(f"{files[0].meta.get('dex')}: {_NOT_SUPPORTED}", err=True)
        return False
    passed = all(each.equal for each in fields)
    if json_output:
        rows = [
            {"field": each.name, "expected": each.expected, "got": each.got, "equal": each.equal}
            for each in fields
        ]
        summary = {"id": swap_id, "op": swap["op"], "args": swap["args"], "passed": passed, "fields": rows}
        typer.echo(json.dumps(summary, indent=2))
        return passed
    table = Table("field", "expected", "got", "", title=f"swap {swap_id}: {swap['op']}")
    for name, value in swap["args"].items():
        table.add_row(escape(str(name)), escape(str(value)), "", "argument")
    table.add_section()
    for each in fields:
        mark = "" if each.equal else "DIFFERENT"
        table.add_row(escape(each.name), escape(str(each.expected)), escape(str(each.got)), mark)
    Console().print(table)
    return passed


def _as_json(report: FileReport) -> dict[str, Any]:
    return {
        "file": str(report.path),
        "dex": report.dex,
        "source": report.source,
        "supported": report.supported,
        "passed": report.passed,
        "swaps": report.swaps,
        "equal": report.equal,
        "failures_expected": report.failures_expected,
        "instructions_equal": report.instructions_equal,
        "instructions_compared": report.instructions,
        "differences": [
            {
                "id": difference.swap_id,
                "kind": difference.kind,
                "op": difference.operation,
                "fields": {
                    each.name: {"expected": each.expected, "got": each.got} for each in difference.fields
                },
            }
            for difference in report.differences
        ],
    }

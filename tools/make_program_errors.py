"""Write `src/phantom_arbiter/data/program-errors.json`: what the error numbers of programs mean.

Reads the errors of every IDL in a folder, and what no IDL tells from `program_errors_by_hand.json` beside
this file. Only facts are kept: program, addresses, number, name, message.

    python tools/make_program_errors.py FOLDER_OF_IDLS
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BY_HAND = ROOT / "tools/program_errors_by_hand.json"
TARGET = ROOT / "src/phantom_arbiter/data/program-errors.json"

Errors = dict[str, list[str]]
"""Number, in decimal, to name and message."""


def read_idls(folder: Path) -> dict[str, Errors]:
    """Return the errors of the programs whose IDLs are in `folder`, by the IDL's name of the program.

    Of several IDLs of one program that with the most errors counts; others add what it lacks.
    """
    found: dict[str, list[Errors]] = {}
    for path in sorted(folder.glob("*.json")):
        idl = json.loads(path.read_text())
        name = idl.get("name") or idl.get("metadata", {}).get("name")
        if name is None:
            continue  # not an IDL
        errors = {str(each["code"]): [each["name"], each.get("msg", "")] for each in idl.get("errors", [])}
        found.setdefault(name, []).append(errors)
    merged = {}
    for name, versions in found.items():
        errors = {}
        for version in sorted(versions, key=len):
            errors.update(version)
        merged[name] = errors
    return merged


def distil(idls: Mapping[str, Errors], by_hand: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the data file.

    Raises:
        SystemExit: An IDL that a program names is missing, or one belongs to no program.
    """
    programs, unused = [], set(idls)
    for entry in by_hand["programs"]:
        errors: Errors = {}
        names = entry.get("idls", [])
        for name in names:
            if name not in idls:
                raise SystemExit(f"no IDL in the folder is called {name!r}")
            errors.update(idls[name])
            unused.discard(name)
        errors.update(entry.get("errors", {}))
        program = {
            "name": entry["name"],
            "title": entry["title"],
            "aliases": [*entry["aliases"], *names],
            "addresses": entry["addresses"],
            "anchor": entry["anchor"],
            "errors": _sorted(errors),
        }
        if "other_builds" in entry:
            program["other_builds"] = _sorted(entry["other_builds"])
        programs.append(program)
    if unused:
        raise SystemExit(f"no program in {BY_HAND.name} names the IDLs {sorted(unused)}")
    return {
        "programs": programs,
        "anchor": by_hand["anchor"]["errors"],
        "transaction": by_hand["transaction"]["errors"],
        "instruction": by_hand["instruction"]["errors"],
    }


def _sorted(errors: Errors) -> Errors:
    return dict(sorted(errors.items(), key=lambda item: int(item[0])))


def dump(value: object, indent: int = 0) -> str:
    """Return JSON with one line for everything that holds no table."""
    if isinstance(value, dict) and (
        indent == 0 or any(isinstance(each, dict | list) for each in value.values())
    ):
        inner = ",\n".join(
            f"{' ' * (indent + 1)}{json.dumps(key)}: {dump(each, indent + 1)}" for key, each in value.items()
        )
        return f"{{\n{inner}\n{' ' * indent}}}" if inner else "{}"
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        inner = ",\n".join(f"{' ' * (indent + 1)}{dump(each, indent + 1)}" for each in value)
        return f"[\n{inner}\n{' ' * indent}]"
    return json.dumps(value, ensure_ascii=False)


def main(arguments: Sequence[str]) -> None:
    """Write the data file from the folder that `arguments` name."""
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    content = distil(read_idls(Path(arguments[0])), json.loads(BY_HAND.read_text()))
    TARGET.write_text(dump(content) + "\n")
    count = sum(len(program["errors"]) for program in content["programs"])
    print(f"{TARGET.relative_to(ROOT)}: {len(content['programs'])} programs, {count} errors")


if __name__ == "__main__":
    main(sys.argv[1:])

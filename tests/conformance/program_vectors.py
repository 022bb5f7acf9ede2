"""Makes fresh vector files by running a venue's own program in LiteSVM.

    python tests/conformance/program_vectors.py raydium_cpmm --seed 7 --swaps 3000 --out cpmm.jsonl.gz

The bytecode is `$PHANTOM_PROGRAMS_DIR/<venue>.so` (or `--elf`); states and account lists start from
`tests/data/vectors/<venue>.jsonl.gz` (or `--base`), whose `meta` names the bytecode's sha256. Needs solders.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from programs import vectors
from programs.generate import Generator, Mix
from programs.replay import replay
from programs.svm import Program
from programs.venues import VENUES

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
DEFAULT = Mix()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", help="name of the vector file to start from, such as raydium_cpmm")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--swaps", type=int, default=3000)
    parser.add_argument("--out", type=Path, help="default: in the temporary folder")
    parser.add_argument("--base", type=Path, help="vector file to start from")
    parser.add_argument("--elf", type=Path, help="the program's bytecode")
    parser.add_argument("--mutate", type=float, default=DEFAULT.mutate, help="share of rewritten states")
    parser.add_argument("--edge", type=float, default=DEFAULT.edge, help="share of swaps bisected to an edge")
    parser.add_argument("--replay", action="store_true", help="only run the base file's own swaps again")
    options = parser.parse_args()
    base = options.base or VECTORS / f"{options.file}.jsonl.gz"
    elf = options.elf or Path(os.environ.get("PHANTOM_PROGRAMS_DIR", ".")) / f"{options.file}.so"
    file = vectors.read(base)
    venue = VENUES[file.meta["dex"]]
    if options.replay:
        program = Program(elf, file.meta["program_id"], file.meta["elf_sha256"])
        mismatches = list(replay(venue, program, file))
        for each in mismatches:
            print(f"swap {each.swap_id}: {each.what}: expected {each.expected}, found {each.found}")
        print(f"{len(mismatches)} differences in {len(file.swaps)} swaps", file=sys.stderr)
        return 1 if mismatches else 0
    mix = Mix(mutate=options.mutate, edge=options.edge)
    out = options.out or Path(tempfile.gettempdir(), "vectors", f"{options.file}_{options.seed}.jsonl.gz")
    for label, count in (
        Generator(venue, elf, file, options.seed, mix).write(out, options.swaps).most_common()
    ):
        print(f"{count:7} {label}", file=sys.stderr)
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

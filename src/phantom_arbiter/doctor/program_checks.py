"""Whether the programs that rehearsals run are there, and are what the chain runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phantom_arbiter.doctor.report import Check, State
from phantom_arbiter.execution.chain import read_accounts
from phantom_arbiter.execution.programs import Checked, Finding, ProgramError, ProgramFolder, RpcAccount
from phantom_arbiter.sources.rpc import RpcPool

_FETCH = "phantom programs fetch"
_WORDS: dict[Finding, tuple[State, str, str]] = {
    Finding.NO_FILE: ("warn", "it is not there: routes through it are not traded", _FETCH),
    Finding.NOT_LISTED: ("warn", "nobody can say where its file came from", _FETCH),
    Finding.CHANGED: ("fail", "its file is not what was fetched", _FETCH),
    Finding.MOVED: ("fail", "the chain runs a later deployment", f"{_FETCH}, and look at the venue first"),
    Finding.UNREAD: ("fail", "it cannot be read", _FETCH),
    Finding.GONE: ("fail", "it is no longer on the chain", "take its venue out of [discovery]"),
}


class FolderPrograms:
    """Looks at the folder that rehearsals take programs from."""

    def __init__(
        self,
        folder: ProgramFolder,
        programs: Mapping[str, str],
        verified: Mapping[str, int],
        *,
        pools: Sequence[str] = (),
    ) -> None:
        """Prepare.

        Args:
            folder: The folder.
            programs: Venue by program, of those that may be needed.
            verified: Slots of verified deployments, by program.
            pools: The only pools that are traded, so that no other programs are needed; empty: any.
        """
        self._folder, self._programs, self._verified = folder, dict(programs), dict(verified)
        self._pools = tuple(pools)

    async def __call__(self, rpc: RpcPool) -> Sequence[Check]:
        """Return whether the programs are there, and equal to what the chain runs.

        Raises:
            EndpointError: The chain cannot be asked.
        """
        if self._pools:
            owners = {each.owner for each in (await read_accounts(rpc, self._pools)).values() if each}
            self._programs = {program: name for program, name in self._programs.items() if program in owners}
        try:
            found = await self._folder.check(RpcAccount(rpc), self._verified, list(self._programs))
        except ProgramError as error:
            text, _, cure = str(error).partition("; hint: ")
            return [Check("programs", str(self._folder.path), "fail", text, cure or _FETCH)]
        return self.judged([each for each in found if each.program in self._programs])

    def judged(self, found: Sequence[Checked]) -> Sequence[Check]:
        """Return one line for all that are as they should be, and one for each that is not."""
        place = str(self._folder.path)
        good = [each for each in found if each.is_good]
        there = [each for each in found if each.finding is not Finding.NO_FILE]
        if not there:
            detail = "none of the programs is there: nothing could be rehearsed, so nothing sent"
            return [Check("programs", place, "fail", detail, _FETCH)]
        checks = []
        if good:
            names = ", ".join(dict.fromkeys(self._programs[each.program] for each in good))
            checks.append(Check("programs", place, "ok", f"as the chain runs them: {names}"))
        for each in found:
            if each in good:
                continue
            state, detail, cure = _WORDS.get(each.finding, ("fail", "", ""))
            if each.is_verified is False and each.finding in (Finding.SAME, Finding.ON_DISK):
                detail = f"its deployment is not that of slot {each.verified_slot}, which was verified"
                cure = "verify it, then set market.verified_deployments"
            checks.append(Check("program", self._programs[each.program], state, detail, cure))
        return checks


__all__ = ["FolderPrograms"]

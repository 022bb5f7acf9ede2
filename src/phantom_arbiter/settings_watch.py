"""Rules that change while a run goes on: the settings' file is looked at again, the rest stays as it began.

Only the section [risk] takes effect; what else changed is named, and waits for the next start. Flags and
environment still win over the file. A version that cannot be read, or is wrong, changes nothing, and neither
does a file that is gone: without its keys the defaults would hold, which allow more. For the same reason a
version counts once it has stood still from one look to the next: half a file may be valid, too.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from phantom_arbiter.config import risk_rules
from phantom_arbiter.config_sources import Effective, load
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.file_stamp import stamp
from phantom_arbiter.risk_desk import Reload

NOT_RELOADED = frozenset({"risk.account"})
"""Risk settings that decide what a run begins with."""


class SettingsWatch:
    """Looks at the file that the settings came from."""

    def __init__(self, effective: Effective) -> None:
        self._effective = effective
        self._file = effective.file
        self._stamp = self._seen = stamp(self._file)
        self._hash = _hash(self._file)

    def look(self) -> Reload | None:
        """Return what a new version says, or None if there is none.

        The bytes are looked at only if time or size of the file changed, the settings only if the bytes did.
        """
        seen, self._seen = self._seen, stamp(self._file)
        if self._seen == self._stamp or self._seen != seen:
            return None
        self._stamp = self._seen
        found = _hash(self._file)
        if found == self._hash:
            return None
        self._hash = found
        if found is None:
            return Reload(f"{self._file} is gone or cannot be read, the rules before it stay")
        try:
            new = load(self._effective.flags, self._effective.named_file)
        except ConfigError as error:
            return Reload(f"{self._file} changed and is not taken, the rules before it stay: {error}")
        before, after = _values(self._effective), _values(new)
        changed = [key for key in after if after[key] != before[key]]
        risky = [key for key in changed if key.startswith("risk.") and key not in NOT_RELOADED]
        waiting = [key for key in changed if key not in risky]
        self._effective = new
        words = [f"{key} = {after[key]} (was {before[key]})" for key in risky]
        line = f"{self._file} changed: {'; '.join(words) or 'no risk setting did'}"
        if waiting:
            line += f"; {', '.join(waiting)} from the next start on"
        return Reload(
            line=line,
            rules=risk_rules(new.config.risk),
            kill_switch_file=new.config.risk.kill_switch_file,
            changes=tuple((key, before[key], after[key]) for key in risky),
        )


def _values(effective: Effective) -> dict[str, str]:
    return {
        setting.key: json.dumps(setting.value, sort_keys=True, separators=(",", ":"))
        for setting in effective.settings()
    }


def _hash(file: Path) -> bytes | None:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None

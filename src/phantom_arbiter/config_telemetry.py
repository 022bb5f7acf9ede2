"""Settings of what a run publishes for viewers."""

from __future__ import annotations

from phantom_arbiter.config_types import FilePath, Section


class TelemetrySettings(Section):
    """What a run tells viewers: phantom watch, phantom dashboard, metrics."""

    publish: bool = True
    """Let viewers of this user follow runs over a Unix socket; costs next to nothing as long as none does."""

    socket_dir: FilePath | None = None
    """Folder of the sockets, made with mode 0700; one open to others is refused. Left out: a private one."""

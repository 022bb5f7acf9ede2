"""The local net in a process of its own, with the methods of `LocalNet`.

So that the server's work does not show in what a client measures, and a client's stall does not stop it.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from phantom_arbiter.errors import InvariantError, PhantomError
from phantom_arbiter.localnet.block_engine.faults import EngineFaults
from phantom_arbiter.localnet.control import plan_json
from phantom_arbiter.localnet.faults.plan import FaultPlan
from phantom_arbiter.localnet.net import NetSettings


@dataclass(frozen=True, slots=True)
class EndpointUrls:
    """Where an endpoint is served."""

    name: str
    http_url: str
    ws_url: str


@dataclass(frozen=True, slots=True)
class RegionUrl:
    """Where a region of the block engine is served."""

    name: str
    url: str


class LocalNetProcess:
    """A local net in another process; an asynchronous context manager that serves while it is open."""

    START_TIMEOUT_S = 60.0

    def __init__(self, settings: NetSettings | None = None) -> None:
        self.settings = settings or NetSettings()
        self.endpoints: list[EndpointUrls] = []
        self.regions: list[RegionUrl] = []
        self.control_url = ""
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The other process."""
        if self._process is None:
            raise InvariantError("the local net has not been started")
        return self._process.pid

    async def start(self) -> None:
        """Start the process and wait until its ports are open.

        Raises:
            PhantomError: It did not start; its own words say why.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            json.dumps(settings_json(self.settings)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(self.START_TIMEOUT_S):
            line = await self._process.stdout.readline()
            if not line:
                raise PhantomError(f"the local net did not start: {await self._last_words()}")
        found = json.loads(line)
        self.endpoints = [EndpointUrls(each["name"], each["http"], each["ws"]) for each in found["endpoints"]]
        self.regions = [RegionUrl(each["name"], each["url"]) for each in found["regions"]]
        self.control_url = found["control"]

    async def stop(self) -> None:
        """End the process."""
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            await process.communicate()

    async def __aenter__(self) -> LocalNetProcess:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def call(self, method: str, *params: Any) -> Any:
        """Call a method of `control.Control`.

        Raises:
            PhantomError: It was refused.
        """
        try:
            answer = await asyncio.to_thread(self._post, method, params)
        except OSError as error:
            raise PhantomError(f"the local net does not answer: {await self._last_words()}") from error
        if "error" in answer:
            raise PhantomError(answer["error"]["message"])
        return answer["result"]

    async def _last_words(self) -> str:
        """Return what the process said last, if it has ended."""
        if self._process is None:
            return "it has not been started"
        try:
            async with asyncio.timeout(1.0):
                await self._process.wait()
        except TimeoutError:
            return "its process lives"
        assert self._process.stderr is not None
        words = (await self._process.stderr.read()).decode(errors="replace").strip()
        return words.splitlines()[-1] if words else "no reason given"

    def _post(self, method: str, params: tuple[Any, ...]) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self.control_url.removeprefix("http://"), timeout=60)
        try:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            connection.request("POST", "/", body)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return answer

    async def truth(self, pubkey: str) -> tuple[int, str, bytes] | None:
        """See `LocalNet.truth`."""
        found = await self.call("truth", pubkey)
        return None if found is None else (found[0], found[1], base64.b64decode(found[2]))

    async def history(self, pubkey: str) -> list[tuple[int, str, bytes]]:
        """See `LocalNet.history`."""
        found = await self.call("history", pubkey)
        return [(slot, owner, base64.b64decode(data)) for slot, owner, data in found]

    async def accounts(self) -> list[str]:
        """See `LocalNet.accounts`."""
        found: list[str] = await self.call("accounts")
        return found

    async def pause(self) -> None:
        """See `LocalNet.pause`."""
        await self.call("pause")

    async def resume(self) -> None:
        """See `LocalNet.resume`."""
        await self.call("resume")

    async def quiesce(self, timeout_s: float = 30.0) -> None:
        """See `LocalNet.quiesce`."""
        await self.call("quiesce", timeout_s)

    async def advance(self, slots: int = 1) -> int:
        """See `LocalNet.advance`."""
        return int(await self.call("advance", slots))

    async def uncle(self, *, rebroadcast: bool = False) -> list[str]:
        """See `LocalNet.uncle`."""
        found: list[str] = await self.call("uncle", rebroadcast)
        return found

    async def write(self, pubkey: str, owner: str, data: bytes, lamports: int = 1_000_000_000) -> None:
        """See `LocalNet.write`."""
        await self.call("write", pubkey, owner, base64.b64encode(data).decode(), lamports)

    async def fund(self, pubkey: str, lamports: int) -> None:
        """See `LocalNet.fund`."""
        await self.call("fund", pubkey, lamports)

    async def close_account(self, pubkey: str) -> None:
        """See `LocalNet.close_account`."""
        await self.call("close_account", pubkey)

    async def set_faults(self, endpoint: int, plan: FaultPlan) -> None:
        """See `LocalNet.set_faults`."""
        await self.call("set_faults", endpoint, plan_json(plan))

    async def disconnect(self, endpoint: int) -> None:
        """See `LocalNet.disconnect`."""
        await self.call("disconnect", endpoint)

    async def half_open(self, endpoint: int) -> None:
        """See `LocalNet.half_open`."""
        await self.call("half_open", endpoint)

    async def stall(self, endpoint: int, seconds: float) -> None:
        """See `LocalNet.stall`."""
        await self.call("stall", endpoint, seconds)

    async def set_engine_faults(self, region: int, plan: EngineFaults) -> None:
        """See `LocalNet.set_engine_faults`."""
        await self.call("set_engine_faults", region, asdict(plan))

    async def hold_auctions(self) -> None:
        """See `LocalNet.hold_auctions`."""
        await self.call("hold_auctions")

    async def release_auctions(self) -> None:
        """See `LocalNet.release_auctions`."""
        await self.call("release_auctions")

    async def run_auction(self) -> None:
        """See `LocalNet.run_auction`."""
        await self.call("run_auction")

    async def bundle(self, bundle_id: str) -> dict[str, Any] | None:
        """See `LocalNet.bundle`."""
        found: dict[str, Any] | None = await self.call("bundle", bundle_id)
        return found

    async def stats(self) -> dict[str, Any]:
        """See `LocalNet.stats`."""
        found: dict[str, Any] = await self.call("stats")
        return found


def settings_json(settings: NetSettings) -> dict[str, Any]:
    """Return settings as the other process reads them."""
    return {
        **vars(settings),
        "snapshot": None if settings.snapshot is None else str(settings.snapshot),
        "faults": [asdict(plan) for plan in settings.faults],
        "engine_faults": [asdict(plan) for plan in settings.engine_faults],
        "programs": {program: str(path) for program, path in settings.programs.items()},
    }


def settings_from(fields: dict[str, Any]) -> NetSettings:
    """Return the settings that `settings_json` wrote."""
    fields["faults"] = tuple(
        FaultPlan(**{**plan, "lie_kinds": tuple(plan["lie_kinds"])}) for plan in fields["faults"]
    )
    fields["engine_faults"] = tuple(EngineFaults(**plan) for plan in fields["engine_faults"])
    fields["uuids"] = tuple(fields["uuids"])
    fields["programs"] = {program: Path(path) for program, path in fields["programs"].items()}
    fields["snapshot"] = None if fields["snapshot"] is None else Path(fields["snapshot"])
    fields["venues"] = tuple(fields["venues"])
    return NetSettings(**fields)


def main(text: str) -> None:
    """Serve with these settings; print one line of JSON once the ports are open."""
    from phantom_arbiter.localnet.serve import run

    try:
        run(settings_from(json.loads(text)), lambda found: print(json.dumps(found), flush=True))
    except PhantomError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(sys.argv[1])

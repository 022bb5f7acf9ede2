"""What a look through a whole recording finds, where the files of other tests do not say it."""

from pathlib import Path

from phantom_arbiter.replay.survey import survey
from phantom_core import Record, Recorder
from recorded_sessions import HEADER

ASKS = (
    b'{"jsonrpc":"2.0","id":1,"method":"slotSubscribe"}',
    b'{"jsonrpc":"2.0","id":2,"method":"rootSubscribe"}',
)
GRANTS = (b'{"jsonrpc":"2.0","result":7,"id":1}', b'{"jsonrpc":"2.0","result":8,"id":2}')
NEWS = (
    b'{"jsonrpc":"2.0","method":"slotNotification","params":'
    b'{"result":{"parent":99,"root":68,"slot":100},"subscription":7}}',
    b'{"jsonrpc":"2.0","method":"rootNotification","params":{"result":68,"subscription":8}}',
)


def test_roots_are_no_slots_of_which_something_arrived(tmp_path: Path) -> None:
    path = tmp_path / "x.phrec"
    records = [
        Record("connect", "rpc/0", 0),
        *(Record("sent", "rpc/0", 1, frame) for frame in ASKS),
        *(Record("received", "rpc/0", 2, frame) for frame in (*GRANTS, *NEWS)),
    ]
    with Recorder(path, HEADER) as recorder:
        for record in records:
            recorder.append(record.kind, record.endpoint, record.arrival_ns, record.frame)
    (written,) = tmp_path.glob("x*.phrec")
    found = survey(written)
    assert found.is_whole
    assert (found.first_slot, found.last_slot) == (100, 100)

import os
import socket
import stat
import warnings
from contextlib import closing
from pathlib import Path

import pytest

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.telemetry.sockets import MAX_PATH_BYTES, default_socket_dir, find_run, listen, running


@pytest.fixture
def folder(short_folder: Path, request: pytest.FixtureRequest) -> Path:
    return short_folder / str(abs(hash(request.node.name)) % 10_000)


def test_run_is_found_while_it_listens(folder: Path) -> None:
    first, path = listen(folder)
    with closing(first):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.name == f"run-{os.getpid()}.sock"
        second, other = listen(folder)
        with closing(second):
            assert other.name == f"run-{os.getpid()}-2.sock"
            assert {each.path for each in running(folder)} == {path, other}
            assert find_run(folder, os.getpid()) in (path, other)
            assert find_run(folder, 1) is None
    # Nobody listens any more, and the process is still there: the name is used again.
    third, again = listen(folder)
    third.close()
    assert again == path


def test_sockets_of_dead_processes_are_removed(folder: Path) -> None:
    listener, path = listen(folder)
    listener.close()
    dead = path.with_name("run-999999999.sock")
    path.rename(dead)
    (folder / "notes.txt").write_text("not ours")
    (folder / "run-1.sock").write_text("no socket")
    assert running(folder, alive=lambda pid: pid != 999_999_999) == []
    assert not dead.exists()
    assert (folder / "run-1.sock").exists()


def test_newest_comes_first(folder: Path) -> None:
    made = [listen(folder) for _ in range(3)]
    for (listener, path), (pid, began) in zip(made, ((11, 100), (12, 300), (13, 200)), strict=True):
        listener.close()
        name = path.with_name(f"run-{pid}.sock")
        path.rename(name)
        os.utime(name, (began, began))
    found = running(folder, alive=lambda pid: True)
    assert [each.pid for each in found] == [12, 13, 11]


def test_too_long_a_path_is_said_with_its_length(folder: Path) -> None:
    long = folder / ("x" * MAX_PATH_BYTES)
    with pytest.raises(ConfigError, match=r"telemetry\.socket_dir = .*bytes, more than \d+ are not possible"):
        listen(long)
    assert not long.exists()


def test_folder_that_others_may_enter_is_refused_and_left_as_it_is(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o750)
    with pytest.raises(PermissionError, match=r"is open to others \(mode 0750\); give it mode 0700"):
        listen(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("runtime", [None, "", "/nowhere/at/all"])
def test_without_a_runtime_folder_the_state_folder_is_taken_quietly(
    monkeypatch: pytest.MonkeyPatch, folder: Path, runtime: str | None
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    if runtime is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR")
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = default_socket_dir()
    monkeypatch.undo()
    assert chosen == folder / "phantom-arbiter" / "run"
    listener, path = listen(chosen)
    listener.close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_folder_that_is_a_link_is_not_taken(folder: Path) -> None:
    target = folder.with_name(f"{folder.name}t")
    target.mkdir()
    folder.symlink_to(target)
    with pytest.raises(OSError, match="is no folder"):
        listen(folder)


def test_no_folder_means_no_runs(folder: Path) -> None:
    assert running(folder / "gone") == []
    assert default_socket_dir().name == "phantom-arbiter"


def test_whoever_finds_a_socket_can_connect(folder: Path) -> None:
    listener, path = listen(folder)
    with closing(listener), closing(socket.socket(socket.AF_UNIX)) as viewer:
        viewer.connect(str(path))

"""The file tools: whatever a path says, it stays below the root."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from agentops.errors import RunError, ToolFailed
from agentops.kernel.tool import PERFORMING
from agentops.tools import files
from agentops.tools.below import folder_below, open_file
from agentops.tools.files import list_files, read_below, read_file, write_below, write_file
from tests.tools.performing import context


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file in it, and a secret beside it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.txt").write_text("secret", encoding="utf-8")
    folder = tmp_path / "files"
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "a.txt").write_text("mine", encoding="utf-8")
    return folder


@pytest.fixture
def performing(tmp_path: Path) -> Iterator[Path]:
    token = PERFORMING.set(context(tmp_path))
    yield tmp_path
    PERFORMING.reset(token)


def test_what_was_written_is_read_and_listed_in_the_workspaces_folder_of_files(performing: Path) -> None:
    written = write_file.function("plans/a.md", "Grüße\r\n")
    assert (written.path, written.size) == ("plans/a.md", 9)
    assert read_file.function("./plans//a.md") == "Grüße\r\n"
    assert (performing / "files" / "plans" / "a.md").read_bytes() == "Grüße\r\n".encode()
    assert [(each.name, each.kind, each.size) for each in list_files.function("plans").entries] == [("a.md", "file", 9)]
    assert [(each.name, each.kind) for each in list_files.function().entries] == [("plans", "folder")]


def test_a_folder_of_files_that_is_not_there_yet_is_empty(performing: Path) -> None:
    assert list_files.function().entries == ()
    assert not (performing / "files").exists()


def test_outside_a_run_the_tools_say_that_they_need_one() -> None:
    with pytest.raises(RunError, match="no tool is being performed here"):
        read_file.function("a.txt")


OUTSIDE = [
    "../secret/a.txt",
    "notes/../../secret/a.txt",
    "notes/..",
    "..",
    "/etc/passwd",
    "//etc/passwd",
    "/proc/self/environ",
    "notes/a.txt\0.png",
    "notes/a\n.txt",
    "notes/\u202ea.txt",
    "\udc80.txt",
    "x/" * 65 + "a",
    "a" * 5000,
    "",
    ".",
    ".agentops-0123",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leads_out_or_hides_something_is_refused(root: Path, path: str) -> None:
    with pytest.raises(ToolFailed, match=r"read_file: '"):
        read_below(root, path)
    with pytest.raises(ToolFailed, match=r"write_file: '"):
        write_below(root, path, "x", key="k")
    assert sorted(each.name for each in root.rglob("*")) == ["a.txt", "notes"]


@pytest.mark.parametrize(
    "path", ["%2e%2e/secret/a.txt", "..%2fsecret/a.txt", "..\\secret\\a.txt", "~/a.txt", "$HOME/a"]
)
def test_nothing_in_a_path_is_decoded_or_expanded(root: Path, path: str) -> None:
    """To the file system these are plain names, and no such file is there."""
    with pytest.raises(ToolFailed, match="does not exist"):
        read_below(root, path)


def test_links_are_not_followed_wherever_they_stand_and_wherever_they_lead(root: Path) -> None:
    (root / "out").symlink_to(root.parent / "secret")
    (root / "in").symlink_to("notes")
    (root / "file.txt").symlink_to(root.parent / "secret" / "a.txt")
    (root / "environ").symlink_to("/proc/self/environ")
    for path in ("out/a.txt", "in/a.txt", "file.txt", "environ"):
        with pytest.raises(ToolFailed, match="link"):
            read_below(root, path)
        with pytest.raises(ToolFailed, match="link"):
            write_below(root, path, "x", key="k")
    with pytest.raises(ToolFailed, match="link"):
        files.list_below(root, "out")
    assert (root.parent / "secret" / "a.txt").read_text(encoding="utf-8") == "secret"
    assert {each.name: each.kind for each in files.list_below(root, ".").entries}["out"] == "other"


def test_a_root_that_is_a_link_is_refused(tmp_path: Path, root: Path) -> None:
    """A workspace that was copied from somewhere may bring `files` as a link to anywhere."""
    link = tmp_path / "link"
    link.symlink_to(root)
    for call in (lambda: read_below(link, "notes/a.txt"), lambda: write_below(link, "notes/a.txt", "x", key="k")):
        with pytest.raises(ToolFailed, match="link"):
            call()


def test_a_folder_that_is_swapped_for_a_link_after_it_was_opened_changes_nothing(root: Path) -> None:
    with folder_below(root, ["notes"]) as folder:
        (root / "notes").rename(root / "moved")
        (root / "notes").symlink_to(root.parent / "secret")
        opened = open_file(folder, "a.txt")
        with os.fdopen(opened, "rb") as file:
            assert file.read() == b"mine"


def test_a_folder_that_is_swapped_for_a_link_all_the_time_never_leads_out(root: Path) -> None:
    """Whoever wins each race: what is read is what is inside, or nothing; what is written stays inside."""
    notes, aside, link = root / "notes", root / "aside", root / "link"
    link.symlink_to(root.parent / "secret")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            notes.rename(aside)
            _put(link, notes)
            notes.rename(link)
            _put(aside, notes)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = set()
    try:
        for number in range(500):
            for call in (partial(read_below, root, "notes/a.txt"), partial(_write, root, number)):
                try:
                    seen.add(call())
                except ToolFailed:
                    seen.add("refused")
    finally:
        stop.set()
        swapper.join()
    assert "secret" not in seen
    assert [each.name for each in (root.parent / "secret").iterdir()] == ["a.txt"]
    assert (root.parent / "secret" / "a.txt").read_text(encoding="utf-8") == "secret"


def _put(source: Path, target: Path) -> None:
    """Move, where the tool may have made a folder of that name in the meantime."""
    while True:
        try:
            source.rename(target)
        except OSError:
            shutil.rmtree(target, ignore_errors=True)
        else:
            return


def _write(root: Path, number: int) -> str:
    return write_below(root, "notes/b.txt", "mine", key=str(number)).path


def test_what_is_no_plain_file_is_not_opened(root: Path) -> None:
    """A FIFO without a writer would keep the tool waiting for ever."""
    os.mkfifo(root / "pipe")
    for path, what in (("pipe", "FIFO"), ("notes", "a folder")):
        with pytest.raises(ToolFailed, match=what):
            read_below(root, path)
        with pytest.raises(ToolFailed, match=what):
            write_below(root, path, "x", key="k")


def test_sizes_are_bounded(root: Path) -> None:
    with pytest.raises(ToolFailed, match="1,000,000 is the most"):
        write_below(root, "a", "x" * (files.LARGEST + 1), key="k")
    (root / "large").write_bytes(b"x" * (files.LARGEST + 1))
    with pytest.raises(ToolFailed, match="larger than 1,000,000 bytes"):
        read_below(root, "large")
    for number in range(files.MOST + 1):
        (root / "notes" / f"{number:04}").touch()
    listed = files.list_below(root, "notes")
    assert (len(listed.entries), listed.more) == (files.MOST, True)


def test_what_is_no_text_is_said_to_be_none(root: Path) -> None:
    (root / "a.bin").write_bytes(b"abc\xff")
    with pytest.raises(ToolFailed, match="not UTF-8 text \\(byte 3\\)"):
        read_below(root, "a.bin")


def test_a_write_replaces_the_file_as_a_whole_and_leaves_nothing_half_written(root: Path) -> None:
    target = root / "notes" / "a.txt"
    target.chmod(0o600)
    with target.open(encoding="utf-8") as before:
        write_below(root, "notes/a.txt", "new", key="k")
        assert before.read() == "mine"
    assert target.read_text(encoding="utf-8") == "new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in target.parent.iterdir()] == ["a.txt"]


def test_the_same_write_again_after_a_crash_in_the_middle_comes_to_the_same(root: Path) -> None:
    first = write_below(root, "notes/b.txt", "text", key="k")
    seen: list[str] = []
    real = files._write_new

    def crash(folder: int, name: str, data: bytes, mode: int) -> None:
        real(folder, name, data[:2], mode)
        seen.append(name)
        os.link(name, "kept", src_dir_fd=folder, dst_dir_fd=folder)
        raise OSError("power failure")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_write_new", crash)
        with pytest.raises(ToolFailed, match="cannot be used"):
            write_below(root, "notes/b.txt", "text", key="k")
    (root / "notes" / "kept").rename(root / "notes" / seen[0])
    assert [each.name for each in files.list_below(root, "notes").entries] == ["a.txt", "b.txt"]
    assert write_below(root, "notes/b.txt", "text", key="k") == first
    assert sorted(each.name for each in (root / "notes").iterdir()) == ["a.txt", "b.txt"]

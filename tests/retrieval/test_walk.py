"""Walking a folder: in order, without being caught, and without silence."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentops.errors import DocumentError
from agentops.retrieval.passages import Skipped
from agentops.retrieval.walk import read_bytes, walk

needs_posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes and sockets in folders are POSIX's")


def seen(folder: Path) -> tuple[list[str], dict[str, str]]:
    found, skipped = [], {}
    for one in walk(folder):
        if isinstance(one, Skipped):
            skipped[one.document] = one.reason
        else:
            found.append(one.document)
    return found, skipped


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")


def test_the_order_is_that_of_the_names(tmp_path: Path) -> None:
    fill(tmp_path, "b.md", "a/z.txt", "a/b/c.html", "c/a.md", "a.md", "B.md")
    assert seen(tmp_path)[0] == ["B.md", "a.md", "b.md", "a/z.txt", "a/b/c.html", "c/a.md"]


def test_what_is_not_a_document_is_skipped_with_the_reason(tmp_path: Path) -> None:
    fill(tmp_path, "a.md", ".env", ".git/config", "node_modules/x/README.md", "image.png", "letter.docx")
    (tmp_path / "folder.md").mkdir()
    found, skipped = seen(tmp_path)
    assert found == ["a.md"]
    assert skipped == {
        ".env": "hidden",
        ".git": "hidden",
        "node_modules": "a folder of tools, not of documents",
        "image.png": ".png files are not documents that can be read",
        "letter.docx": ".docx files are not read; save it as PDF, HTML or text",
    }


def test_links_are_not_followed_so_no_loop_and_no_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    fill(folder, "sub/a.md")
    fill(tmp_path, "outside.md")
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "gone.md").symlink_to("nowhere.md")
    (folder / "out.md").symlink_to(tmp_path / "outside.md")
    found, skipped = seen(folder)
    assert found == ["sub/a.md"]
    assert set(skipped) == {"sub/up", "self", "gone.md", "out.md"}
    assert set(skipped.values()) == {"a symbolic link; links are not followed"}


@needs_posix
def test_pipes_and_sockets_are_skipped_and_nobody_waits_for_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.md"))
        assert set(seen(tmp_path)[1].values()) == {"not a regular file (a pipe, socket or device)"}
    with pytest.raises(DocumentError, match="it is not a regular file"):
        read_bytes(tmp_path / "pipe.md")


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes only on POSIX")
def test_a_name_that_is_not_text_is_skipped_and_shown_escaped(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("text")
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    assert seen(tmp_path) == ([], {"caf\\udce9.md": "its name is not valid UTF-8"})


def test_a_folder_that_cannot_be_listed_is_reported_and_the_rest_is_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Permissions do not stop root, as whom tests may run; so the operating system's answer is simulated."""
    fill(tmp_path, "open/a.md", "shut/b.md")
    scandir = os.scandir

    def guarded(path: Path) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "shut":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert seen(tmp_path) == (["open/a.md"], {"shut": "the folder cannot be read: Permission denied"})


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told_so(tmp_path: Path) -> None:
    fill(tmp_path, "a.md")
    (tmp_path / "a.md").chmod(0)
    with pytest.raises(DocumentError, match="Permission denied"):
        read_bytes(tmp_path / "a.md")


def test_what_changed_between_walk_and_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="it is no longer there"):
        read_bytes(tmp_path / "vanished.md")
    (tmp_path / "now_a_folder.md").mkdir()
    with pytest.raises(DocumentError, match=r"it is not a regular file|Is a directory|Permission denied"):
        read_bytes(tmp_path / "now_a_folder.md")
    (tmp_path / "now_a_link.md").symlink_to(tmp_path / "else")
    with pytest.raises(DocumentError, match=r"it is a symbolic link|it is no longer there"):
        read_bytes(tmp_path / "now_a_link.md")


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"x" * 11)
    with pytest.raises(DocumentError, match="it is too large: 11 bytes, and the limit is 10"):
        read_bytes(tmp_path / "a.md", 10)
    assert read_bytes(tmp_path / "a.md", 11) == b"x" * 11

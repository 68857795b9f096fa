import os
import stat
from pathlib import Path

import pytest

from etl_customers.base.private_files import as_text, private_file, write_private


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_that_is_replaced_becomes_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"old")
    path.chmod(0o666)
    write_private(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o600)


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "rows.csv", b"new")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "rows.csv") == 0o600


@pytest.mark.parametrize("target", ["theirs", "nowhere"])
def test_a_link_is_replaced_and_what_it_leads_to_stays_as_it_was(tmp_path: Path, target: str) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    path = tmp_path / "rows.csv"
    path.symlink_to(tmp_path / target)
    write_private(path, b"new")
    assert (path.is_symlink(), path.read_bytes()) == (False, b"new")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert not (tmp_path / "nowhere").exists()


def test_what_cannot_be_finished_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"old")
    with pytest.raises(UnicodeEncodeError), private_file(path) as file, as_text(file, "ascii") as text:
        text.write("ok\nZoë\n")
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("rows.csv", b"old")]


@pytest.mark.parametrize("is_link", [False, True])
def test_a_name_that_may_not_be_replaced_is_kept(tmp_path: Path, is_link: bool) -> None:
    path = tmp_path / "rows.csv"
    if is_link:
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        write_private(path, b"new", replaces=False)
    assert [found.name for found in tmp_path.iterdir()] == ["rows.csv"]
    assert is_link or path.read_bytes() == b"mine"


def test_a_long_name_of_wide_letters_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("漢" * 83 + ".csv")
    write_private(path, b"new")
    assert path.read_bytes() == b"new"

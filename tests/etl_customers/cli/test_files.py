import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from etl_customers.base.errors import UsageError
from etl_customers.cli.files import write_file

_WRITE = "import sys; from pathlib import Path; from etl_customers.cli.files import write_file; "


def test_a_named_file_is_private_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "out.csv").symlink_to(tmp_path / "theirs")
    write_file(tmp_path / "out.csv", b"rows")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert stat.S_IMODE((tmp_path / "out.csv").lstat().st_mode) == 0o600


def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_file(pipe, b"rows")
    reader.join()
    assert got == [b"rows"]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_by_its_name_is_written_to_also_where_it_is_a_file(tmp_path: Path, name: str) -> None:
    program = f"{_WRITE}write_file(Path({name!r}), b'rows\\n'); print('said')"
    with (tmp_path / "out").open("wb") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
    assert (tmp_path / "out").read_bytes() == b"rows\nsaid\n"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        write_file(tmp_path, b"rows")


def test_with_an_open_umask_every_file_of_the_home_is_still_its_owners_only(tmp_path: Path) -> None:
    file, home = tmp_path / "customers.csv", tmp_path / "home"
    file.write_text("first_name,last_name,city,country\nAnn,Lee,Sydney,AU\nBob,,Sydney,AU\n")
    program = Path(sys.executable).with_name("etl-customers")
    command = ["sh", "-c", 'umask 000; exec "$@"', "--", str(program), "import", str(file), "--home", str(home)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1
    modes = {path.relative_to(home): stat.S_IMODE(path.lstat().st_mode) for path in home.rglob("*")}
    assert Path("dagster/dagster.yaml") in modes
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}

"""Where a command's results go."""

import os

import pytest

from katydid.commands.output import check_output, write_output
from katydid.model.errors import ConfigError


def test_a_dash_is_standard_output(capsys):
    check_output("-")
    write_output("-", "text\n")
    assert capsys.readouterr() == ("text\n", "")


def test_a_file_is_written_and_its_folder_made(tmp_path):
    where = tmp_path / "new" / "folder" / "result.json"
    write_output(str(where), "ü")
    assert where.read_bytes() == "ü".encode()


def test_looking_whether_a_file_can_be_written_leaves_what_is_in_it(tmp_path):
    where = tmp_path / "result.json"
    where.write_text("old")
    check_output(str(where), str(tmp_path / "new"), None)
    assert where.read_text() == "old"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("use", [check_output, lambda where: write_output(where, "text")])
def test_what_cannot_be_written_is_one_line(tmp_path, use):
    with pytest.raises(ConfigError) as refused:
        use(str(tmp_path))
    assert str(refused.value) == f"{tmp_path} cannot be written: is a directory"


def test_looking_leaves_no_folder_behind(tmp_path):
    check_output(str(tmp_path / "new" / "folder" / "result.json"))
    assert list(tmp_path.iterdir()) == []


def test_looking_leaves_a_link_whose_file_is_not_there_yet(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("result.json")
    check_output(str(link))
    assert [each.name for each in tmp_path.iterdir()] == ["link"]


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="pipe cannot be written: nobody reads this pipe"):
        check_output(str(tmp_path / "pipe"))


def test_the_reader_of_a_pipe_gets_the_result(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    check_output(str(tmp_path / "pipe"))
    with pytest.raises(BlockingIOError):  # and not its end
        os.read(reader, 10)
    write_output(str(tmp_path / "pipe"), "result")
    assert os.read(reader, 10) == b"result"
    os.close(reader)


def test_bytes_of_a_command_line_that_are_no_text_cost_no_result(tmp_path):
    write_output(str(tmp_path / "a.txt"), "katydid compare \udcff\n")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "katydid compare ?\n"

"""The pictures of README and docs: small, looked at somewhere, and of today's program."""

import re
from pathlib import Path

import pytest

from tools.pictures import MOST_BYTES, PICTURES, terminal
from tools.story import CORRECT, IMPORT, IMPORT_CORRECTED, ROOT, Story, plain

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """The story of the pictures, in a folder of the test."""
    return Story(tmp_path).begin()


def test_pictures_of_the_terminal_show_what_the_program_says_today(story: Story) -> None:
    said = terminal(IMPORT, story.run(IMPORT, expected=1))
    assert said == (PICTURES / "result.svg").read_text("utf-8"), "run: make pictures"
    story.run(CORRECT, expected=0)
    said = terminal(IMPORT_CORRECTED, story.run(IMPORT_CORRECTED, expected=1))
    assert said == (PICTURES / "corrected.svg").read_text("utf-8"), "run: make pictures"


def test_a_picture_of_a_terminal_has_its_text_and_its_colours_and_asks_nobody_for_anything() -> None:
    picture = terminal("etl-customers imports", "\x1b[1mbold\x1b[0m and \x1b[31mred\x1b[0m   \n")
    assert all(word in picture for word in ("etl-customers", "imports", "bold", "red"))
    assert "font-weight: bold" in picture
    assert "url(" not in picture.replace("url(#", "")
    assert re.findall(r"https?://[^\"]+", picture) == ["http://www.w3.org/2000/svg"]


def test_text_without_its_colours_is_what_one_reads() -> None:
    assert plain("\x1b[1mbold\x1b[0m  \nplain\n") == "bold\nplain"


def test_every_picture_is_small_and_shown_with_words_for_who_cannot_see_it() -> None:
    shown = {
        (page.parent / path).resolve(): words
        for page in PAGES
        for words, path in re.findall(r"!\[(.*?)\]\((?!https?:)(\S+?)\)", page.read_text("utf-8"), re.DOTALL)
    }
    pictures = sorted(PICTURES.iterdir())
    assert {picture.suffix for picture in pictures} == {".svg", ".png"}
    assert {picture.name: picture.stat().st_size for picture in pictures if picture.stat().st_size > MOST_BYTES} == {}
    assert {picture.name for picture in pictures if len(shown.get(picture, "")) < 20} == set()

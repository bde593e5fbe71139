"""What annotators see is made from the loop file, or given, and a later look tells whether a person has changed it."""

from xml.etree import ElementTree as ET

import pytest

from include.foundation.errors import ConfigError
from include.stages.labeling.instructions import instructions_page, instructions_text
from include.stages.labeling.label_studio.labeling_config import config_for, is_ours, marked
from include.stages.labeling.label_studio.studio_project import title_of
from tests.builders import make_loop

STUDIO = {"backend": "label_studio", "uri": None}


def test_config_shows_each_kind_of_input_and_offers_each_class(tmp_path):
    inputs = {
        "body": {"type": "text"}, "title": {"type": "text"}, "amount": {"type": "numeric"}, "v": {"type": "vector", "size": 2},
    }  # fmt: skip
    loop = make_loop(tmp_path, inputs=inputs, labeling={**STUDIO, "definitions": {"earn": 'Profits & "losses"'}})
    view = ET.fromstring(config_for(loop))
    assert [each.attrib["value"] for each in view.iter("Text")] == ["$body", "$title"]
    assert [each.attrib["value"] for each in view.iter("Table")] == ["$row", "$about"]
    choices = {each.attrib["value"]: each.attrib.get("hint") for each in view.iter("Choice")}
    assert choices == {"acq": None, "earn": 'Profits & "losses"', "grain": None}
    assert next(view.iter("Choices")).attrib["toName"] == "body"


def test_rows_without_text_are_chosen_about_as_a_table(tmp_path):
    view = ET.fromstring(config_for(make_loop(tmp_path, inputs={"amount": {"type": "numeric"}}, labeling=STUDIO)))
    assert next(view.iter("Choices")).attrib["toName"] == "row"


def test_image_is_shown_and_its_address_is_in_the_table(tmp_path):
    inputs = {"photo": {"type": "text", "image": True}, "caption": {"type": "text"}}
    view = ET.fromstring(config_for(make_loop(tmp_path, inputs=inputs, labeling=STUDIO)))
    assert [each.attrib for each in view.iter("Image")] == [{"name": "photo", "value": "$photo"}]
    assert [each.attrib["value"] for each in view.iter("Text")] == ["$caption"]
    assert [each.attrib["value"] for each in view.iter("Table")] == ["$row", "$about"]


def test_given_config_is_taken_as_it_is(tmp_path):
    (tmp_path / "own.xml").write_text("<View><Image name='photo' value='$photo'/></View>\n")
    loop = make_loop(tmp_path, labeling={**STUDIO, "config": str(tmp_path / "own.xml")})
    assert config_for(loop) == "<View><Image name='photo' value='$photo'/></View>"


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * (2 << 20)], ids=["none", "binary", "huge"])
def test_config_that_cannot_be_read_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "own.xml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"labeling\.config: .*own\.xml"):
        config_for(make_loop(tmp_path, labeling={**STUDIO, "config": str(tmp_path / "own.xml")}))


def test_config_is_ours_until_a_person_changes_it():
    config = marked("<View></View>", {"overlap": 3})
    assert is_ours(config)
    assert not is_ours(config.replace("<View>", "<View> "))
    assert not is_ours("<View></View>")
    assert marked("<View></View>", {"overlap": 2}) != config


def test_instructions_hold_the_text_definitions_and_examples_escaped(tmp_path):
    labeling = {
        "instructions": "Choose <one>.",
        "definitions": {"earn": "Profits"},
        "examples": {"grain": ["Wheat fell"]},
    }
    loop = make_loop(tmp_path, labeling=labeling)
    assert instructions_page(loop) == (
        "<h3>wire</h3><p>Choose &lt;one&gt;.</p><h3>earn</h3><p>Profits</p><h3>grain</h3><p>Example: Wheat fell</p>"
    )
    assert instructions_text(loop).startswith("## wire\n\nChoose <one>.\n\n## earn\n\nProfits\n")
    assert (instructions_page(make_loop(tmp_path)), instructions_text(make_loop(tmp_path))) == ("", "")


def test_project_is_called_as_the_loop_file_says(tmp_path):
    assert title_of(make_loop(tmp_path, labeling=STUDIO)) == "wire"
    assert title_of(make_loop(tmp_path, labeling={**STUDIO, "project": "News desk"})) == "News desk"

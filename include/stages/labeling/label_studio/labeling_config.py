"""What annotators see in Label Studio: its labeling config, made from the loop file or given, and the instructions."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from include.foundation.config.loading import resolve
from include.foundation.config.loop_file import Loop
from include.foundation.config.sections import Input
from include.foundation.digests import digest_of
from include.foundation.errors import ConfigError

LABEL, COMMENT, ROW, ABOUT = (
    "label",
    "comment",
    "row",
    "about",
)  # controls, and fields of a task that are shown as tables
INVITATION = "Why, or what is unclear (optional)"
MARK = re.compile(r"\n<!-- Feedback Loop ([0-9a-f]{16})\.([0-9a-f]{16}) -->$")
LARGEST = 1 << 20


def config_for(loop: Loop) -> str:
    """Return the labeling config: the file that the loop file names, else what its inputs and classes make.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    if loop.labeling.config is None:
        return _generated(loop)
    path = Path(resolve(loop.labeling.config))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"labeling.config: {path} cannot be read as a labeling config: {error}") from error
    if len(text) > LARGEST:
        raise ConfigError(f"labeling.config: {path} has {len(text)} characters, expected at most {LARGEST}")
    return MARK.sub("", text.strip())


def _generated(loop: Loop) -> str:
    texts = [name for name, item in loop.inputs.items() if item.type == "text"]
    shown = [
        f'  <Header value={quoteattr(name)} size="5"/>\n  <{_tag(loop.inputs[name])} name={quoteattr(name)} value="${name}"/>'
        for name in texts
    ]
    if any(map(in_table, loop.inputs.values())):
        shown.append(f'  <Table name="{ROW}" value="${ROW}"/>')
    about = quoteattr(texts[0] if texts else ROW)
    definitions = loop.labeling.definitions
    choices = [
        f"    <Choice value={quoteattr(name)}{f' hint={quoteattr(definitions[name])}' if name in definitions else ''}/>"
        for name in loop.task.classes
    ]
    return "\n".join(
        ["<View>", *shown,
         f'  <Choices name="{LABEL}" toName={about} choice="single-radio" showInline="true" required="true">', *choices,
         "  </Choices>",
         f'  <TextArea name="{COMMENT}" toName={about} rows="2" maxSubmissions="1" placeholder="{INVITATION}"/>',
         f'  <Table name="{ABOUT}" value="${ABOUT}"/>', "</View>"]
    )  # fmt: skip


def in_table(item: Input) -> bool:
    """Tell whether an input is shown in the table of inputs: what is no text, and the address of an image, too."""
    return item.type != "text" or item.image


def _tag(item: Input) -> str:
    return "Image" if item.image else "Text"


def marked(config: str, settings: Mapping[str, Any]) -> str:
    """Return a config that says at its end what it was made with, so that a later look tells what a person has changed."""
    return f"{config}\n<!-- Feedback Loop {digest_of(config)[:16]}.{digest_of(settings)[:16]} -->"


def is_ours(config: str) -> bool:
    """Tell whether a config is as we made it: nobody has changed it since."""
    mark = MARK.search(config)
    return mark is not None and digest_of(config[: mark.start()])[:16] == mark[1]

"""What annotators are told before they begin: the loop file's instructions, and what each class means."""

import html

from include.foundation.config.loop_file import Loop


def instructions_of(loop: Loop) -> list[tuple[str, list[str]]]:
    """Return what annotators are told, as headings with paragraphs: what the loop file says, then each class it describes."""
    labeling = loop.labeling
    told = [(loop.name, [labeling.instructions])] if labeling.instructions else []
    described = [name for name in loop.task.classes if name in labeling.definitions or name in labeling.examples]
    for name in described:
        definition = [labeling.definitions[name]] if name in labeling.definitions else []
        told.append((name, definition + [f"Example: {text}" for text in labeling.examples.get(name, [])]))
    return told


def instructions_page(loop: Loop) -> str:
    """Return the instructions as HTML; empty if there are none."""
    return "".join(
        f"<h3>{html.escape(heading)}</h3>" + "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)
        for heading, paragraphs in instructions_of(loop)
    )


def instructions_text(loop: Loop) -> str:
    """Return the instructions as Markdown; empty if there are none."""
    return "".join(
        f"## {heading}\n\n" + "".join(f"{text}\n\n" for text in paragraphs)
        for heading, paragraphs in instructions_of(loop)
    )

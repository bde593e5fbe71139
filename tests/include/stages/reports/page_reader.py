"""Read a page as a browser would."""

import re
from html.parser import HTMLParser
from pathlib import Path

from include.foundation.store.tables import LoopStore

LOADING = {"src", "href", "action", "srcset", "data", "poster", "background"}


class Page(HTMLParser):
    """What a browser would see: tags, addresses, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.opened: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in LOADING]
        if tag not in {"meta", "img", "br"}:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.opened and self.opened[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def files_of(store: LoopStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((Path(store.uri) / "_files" / "reports").iterdir())}

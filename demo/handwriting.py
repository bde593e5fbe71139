"""Scikit-learn's handwritten digits: 1,797 pictures of eight by eight pixels, which need no download."""

from collections.abc import Sequence

from demo.example_data import Example

CLASSES = tuple(str(digit) for digit in range(10))


def pictures(input_name: str) -> Sequence[Example]:
    """Return the pictures as vectors of 64 numbers from 0 to 16, in the order of the file."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return [
        Example({input_name: pixels.tolist()}, str(label))
        for pixels, label in zip(digits.data, digits.target, strict=True)
    ]

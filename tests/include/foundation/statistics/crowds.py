"""Answers of simulated annotators."""

import sys

import numpy as np

from include.foundation.statistics.votes import Votes


def votes_of(table, classes):
    """Votes of a table with one row an item and one column an annotator; None is no answer."""
    rows = [(i, a, label) for i, row in enumerate(table) for a, label in enumerate(row) if label is not None]
    item, annotator, label = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Votes(item, annotator, label, items=len(table), annotators=len(table[0]) if table else 0, classes=classes)


def simulated(generator, items, accuracies, classes, each=None):
    """The true classes, and the votes of annotators of some accuracies; ``each`` item is answered by that many, or by all."""
    truth, table = generator.integers(0, classes, items), []
    for true in truth:
        wrong = [c for c in range(classes) if c != true]
        answers = [
            true if generator.uniform() < accuracy else wrong[generator.integers(classes - 1)]
            for accuracy in accuracies
        ]
        asked = set(generator.permutation(len(accuracies))[:each].tolist())
        table.append([answer if place in asked else None for place, answer in enumerate(answers)])
    return truth, votes_of(table, classes)


def say(text: str) -> None:
    """Show the numbers of a simulation, with ``-rP`` or when it fails."""
    sys.stdout.write(text + "\n")

"""Yours: functions that return an unfitted scikit-learn classifier, for ``training.factory`` of a loop file.

A factory takes the loop's inputs and a seed, and ``training.params`` by keyword; `text_classifier` is one to begin from.
"""

from include.factories.linear import table_classifier, text_classifier, vector_classifier

__all__ = ["table_classifier", "text_classifier", "vector_classifier"]

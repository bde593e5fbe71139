"""Factories: functions that return an unfitted scikit-learn classifier. Add your own here.

``training.factory`` of a loop file names one of them. A factory takes the loop's inputs, a seed, and the ``training.params`` of
the loop file as keywords; `text_classifier` is one to start from.
"""

from include.factories.linear import table_classifier, text_classifier, vector_classifier

__all__ = ["table_classifier", "text_classifier", "vector_classifier"]

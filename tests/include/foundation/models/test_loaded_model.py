"""A model that fails on a row says which it is and what to do; the library's own error alone would not."""

from typing import Any

import pytest

from include.foundation.errors import TrainingError
from include.foundation.models.loaded_model import LoadedModel
from include.foundation.store.rows import rows_of
from tests.include.stages.training.challenger_builders import CLASSES, label_row, make_text_loop


class Picky:
    """A model that takes no row."""

    classes_ = CLASSES

    def predict_proba(self, features: Any) -> Any:
        raise ValueError(f"{len(features)} rows are too many")


@pytest.mark.parametrize(("version", "named"), [("7", "model (version 7)"), (None, "model (key)")])
def test_model_that_fails_on_rows_is_named_with_its_factory(version: str | None, named: str) -> None:
    loop = make_text_loop()
    rows = rows_of(loop, "labels", [label_row(number) for number in range(2)])
    with pytest.raises(TrainingError) as caught:
        LoadedModel(loop, version, "run", "key", Picky()).predict(rows)
    said = caught.value.message
    assert said.startswith(
        f"{named} cannot be asked for the probabilities of 2 rows: ValueError('2 rows are too many')"
    )
    assert "mend include.factories:text_classifier" in said

"""What is staged stays within the memory that the loop file allows."""

from include.stages.logs.landing.staging import Staging
from tests.builders import make_store
from tests.include.stages.logs.log_builders import make_pull


def test_memory_is_given_back_to_what_refuses_lines_and_taken_again(tmp_path):
    with Staging(make_pull(make_store(tmp_path, logs={"memory_mb": 1024})), tmp_path, lambda _: 0) as staging:

        def limit():
            return staging.connection.execute("SELECT current_setting('memory_limit')").fetchone()[0]

        before = limit()
        with staging.memory_given_back():
            assert limit() == "256.0 MiB"
        assert limit() == before == "534.0 MiB"

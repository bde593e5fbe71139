"""The page on the DAGs says what the DAGs are."""

from feedback_loop import dag_docs


def test_page_is_what_the_dags_are_now():
    assert dag_docs.PAGE.read_text(encoding="utf-8") == dag_docs.page(), (
        f"{dag_docs.PAGE} is stale; run {dag_docs.COMMAND}"
    )


def test_page_names_every_task_asset_and_form_field():
    text = dag_docs.page()
    for dag in dag_docs.parsed_dags().values():
        for task in dag.tasks:
            assert f"| `{task.task_id}`" in text
        for name in dag.params:
            assert f"| `{name}` |" in text
    assert "`<loop>/label_requests`" in text
    assert "None" not in text.replace("None of", "")

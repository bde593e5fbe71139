"""Task ``check_store``."""

from airflow.sdk import Context

from feedback_loop.operators.registry_operator import RegistryOperator


class CheckStoreOperator(RegistryOperator):
    """Compare the ledgers with each other, with MLflow and with the bytes that were judged; once a day while they agree."""

    def perform(self, context: Context) -> None:
        """Fail, without another try, with everything that is wrong and how to mend it."""
        from include.foundation.errors import ContractError
        from include.stages.deployment.store_checks import check_daily

        damage = check_daily(self.hook.get_conn(), self.registry)
        if damage:
            raise ContractError(f"The store of loop {self.loop} is damaged", [str(one) for one in damage])
        self.log.info("The ledgers agree with each other, with MLflow and with what was judged")

"""What is recorded of a registered challenger: its one version in the registry."""

from typing import ClassVar, Literal

from include.foundation.decisions.decision import Decision


class RegisteredVersion(Decision):
    """The one version of a challenger, its key the subject; of several registrations at once the first one recorded counts."""

    kind: ClassVar[str] = "registration"
    outcome: Literal["registered"] = "registered"
    version: str
    run_id: str

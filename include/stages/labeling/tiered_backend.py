"""One project of a labeling platform for each tier of annotators."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from include.foundation.config.escalation_section import FIRST_TIER, Reader
from include.foundation.config.loop_file import Loop
from include.stages.labeling.answers_read import Mark
from include.stages.labeling.backend_contract import Answers, LabelingBackend, LabelRequest


class TieredBackend:
    """Push the requests of each tier to a project of its own, and read all of them.

    Parameters
    ----------
    loop
        Has the tiers.
    open_backend
        Returns the backend of a loop: it is given the loop as each tier sees it.
    """

    def __init__(self, loop: Loop, open_backend: Callable[[Loop], LabelingBackend]) -> None:
        projects = loop.tier_projects
        first = {title: projects.index(title) + 1 for title in projects}
        own = {title: open_backend(as_tier_sees_it(loop, number)) for title, number in first.items()}
        self.tiers = {number: own[title] for number, title in enumerate(projects, start=1)}
        self._projects = list(own.values())

    def existing(self, requests: Sequence[LabelRequest]) -> dict[str, str]:
        """Return the external id of each of these requests that its tier's project has, by request id."""
        if not requests:
            return self.tiers[1].existing([])
        by_tier = self._by_tier(requests).items()
        return {key: task for number, own in by_tier for key, task in self.tiers[number].existing(own).items()}

    def push(self, requests: Sequence[LabelRequest]) -> None:
        """Create a task for each request in its tier's project."""
        for number, own in self._by_tier(requests).items():
            self.tiers[number].push(own)

    def answers(self, requests: Mapping[str, str], read: Mapping[str, Mark]) -> Answers:
        """Return what is new in the projects of all tiers.

        Parameters
        ----------
        requests
            Trace ids by request id.
        read
            How far each project was read before.
        """
        answers = Answers([])
        for backend in self._projects:
            own = backend.answers(requests, read)
            answers = replace(
                answers,
                **{name: [*getattr(answers, name), *getattr(own, name)] for name in answers.__dataclass_fields__},
            )
        return answers

    def _by_tier(self, requests: Sequence[LabelRequest]) -> dict[int, list[LabelRequest]]:
        by_tier: dict[int, list[LabelRequest]] = {}
        for request in requests:
            by_tier.setdefault(min(request.tier, max(self.tiers)), []).append(request)
        return by_tier


def as_tier_sees_it(loop: Loop, number: int) -> Loop:
    """Return a loop whose section ``labeling`` is that of a tier, from 1: its project, and to how many people it is shown.

    Whoever answered before may be handed what is meant for one more reader, so that it is shown to as many others, too.
    """
    tier, before = loop.tier(number), loop.labeling.overlap + loop.escalation.more_readers - 1
    own = {"project": loop.tier_project(number), "overlap": tier.overlap + before * isinstance(tier, Reader)}
    told = f"{loop.description} For the {tier.name}: what others could not decide, or are to be checked on."
    return loop.model_copy(
        update={
            "labeling": loop.labeling.model_copy(update=own),
            "description": loop.description if number == FIRST_TIER else told,
        }
    )

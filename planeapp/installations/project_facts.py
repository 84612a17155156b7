"""What projects look like, kept in the database: every process of every machine asks Plane for it once in a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from planeapp.installations.models import Installation, ProjectFacts
from planeapp.lib.budget import PREVIEW, purpose
from planeapp.plane.records import Row


@dataclass(frozen=True)
class StoredFacts:
    """See :class:`planeapp.plane.about.Facts`, for one workspace. A preview writes nothing, not even this."""

    installation: Installation

    def load(self, project: str) -> Mapping[str, tuple[list[Row], float]]:
        """Name → rows and when they were read."""
        found = ProjectFacts.objects.filter(installation=self.installation, project_id=project)
        return {fact.name: (fact.rows, fact.read_at.timestamp()) for fact in found}

    def keep(self, project: str, name: str, rows: list[Row]) -> None:
        """Keep rows that were read now."""
        if purpose().name == PREVIEW:
            return
        ProjectFacts.objects.update_or_create(
            installation=self.installation, project_id=project, name=name,
            defaults={"rows": rows, "read_at": timezone.now()},
        )  # fmt: skip


def forget(installation: Installation, project: str) -> None:
    """Have Plane asked again: something about the project was changed there."""
    ProjectFacts.objects.filter(installation=installation, project_id=project).delete()

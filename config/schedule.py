"""When a job runs, in the words of a CronJob (kubernetes.io/docs/concepts/workloads/controllers/cron-jobs)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.fields.containers import Cron, TimeZone
from config.fields.written import ShortForm, Written
from config.together import editor

_Kept = Annotated[int, Field(ge=0, le=10)]


class CronSchedule(Written):
    """A schedule with more to say than its times."""

    model_config = editor(example={"cron": "@daily", "timeZone": "Europe/Berlin"})
    cron: Cron
    """When: five cron fields, or one of @hourly, @daily, @weekly, @monthly and @yearly."""
    timeZone: TimeZone = "Etc/UTC"
    """Whose clock it goes by. Where a night has no 2:30, or two of them, a job of 2:30 is left out or runs twice."""
    concurrencyPolicy: Literal["Forbid", "Replace"] = "Forbid"
    """When the last run still goes on: wait for its end and leave this one out, or end it for this one."""
    startingDeadlineSeconds: Annotated[int, Field(ge=10, le=86_400)] = 300
    """How late a run may begin, after the cluster was away for instance. Later ones are left out."""
    successfulJobsHistoryLimit: _Kept = 1
    """How many runs that ended well are kept, with their logs."""
    failedJobsHistoryLimit: _Kept = 2
    """How many runs that failed are kept, with their logs."""

    @property
    def kept(self) -> int:
        """How many runs that are over are kept."""
        return self.successfulJobsHistoryLimit + self.failedJobsHistoryLimit


Schedule = Annotated[CronSchedule, ShortForm("cron", Cron, 'a schedule such as "0 3 * * *", or a mapping with cron')]

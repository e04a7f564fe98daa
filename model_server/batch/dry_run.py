# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run would do, without a GIMP."""

from __future__ import annotations

from pathlib import Path

from model_server.batch.contact_sheet import ContactSheet
from model_server.batch.failures import BatchError, JobError
from model_server.batch.jobs import Failure, Job, JobList
from model_server.batch.runner import check_job, read_steps


def show_regions(jobs: JobList) -> tuple[list[Path], int, list[Failure]]:
    """Write pages with the pictures and what is meant of each into the folder of results.

    Returns the pages, the number of pictures and those that could not be edited.  Raises BatchError.
    """
    failures: list[Failure] = []
    number = 0
    try:
        jobs.output.mkdir(parents=True, exist_ok=True)
        sheet = ContactSheet(jobs.output)
        for job in jobs:
            number += 1
            fault = _add(sheet, job)
            if fault:
                failures.append(Failure(job, fault))
        sheet.flush()
    except OSError as error:
        message = f"{jobs.output} cannot be written to ({error.strerror}); choose another folder."
        raise BatchError(message) from error
    return sheet.pages, number, failures


def _add(sheet: ContactSheet, job: Job) -> str:
    """Draw a job; why it cannot be done, empty if it can."""
    steps, fault = job.list_steps(), ""
    try:
        for path in (job.picture, *(step.mask for step in steps)):
            if isinstance(path, Path) and not path.exists():
                raise JobError(f"There is no {path}: correct its name.")
        steps = read_steps(job)
        check_job(job, steps)
    except JobError as error:
        fault = str(error)
    sheet.add(job, steps, fault)
    return fault

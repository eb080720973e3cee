"""How a state fails while it runs: an error's name and its cause, which retriers and catchers match.

These are part of the run and never leave it: what cannot be run here at all is a ``LocalRunError``.
"""

from __future__ import annotations

from stepworkflows_cdk.local.events import CodeLine, Nothing

__all__ = ["CAUSE_LIMIT", "DataLimitExceeded", "QueryFailed", "StateFailed", "TaskFailed"]

CAUSE_LIMIT = 32_768
"""Characters of a cause that Step Functions keeps:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html."""


class StateFailed(Exception):
    """A state reports ``error`` (such as ``States.Timeout``), explained by ``cause``. ``meant`` are the two of the error that
    the machine will find inside, where it comes wrapped: what people want to be told. ``code`` is where it arose,
    ``nothing`` what an expression missed.
    """

    def __init__(
        self,
        error: str,
        cause: str = "",
        meant: tuple[str, str] | None = None,
        code: CodeLine | None = None,
        nothing: Nothing | None = None,
    ) -> None:
        super().__init__(error, cause)
        self.code = code
        self.nothing = nothing
        self.error = error
        self.cause = cause[:CAUSE_LIMIT]
        self.meant = meant or (error, self.cause)

    @property
    def output(self) -> dict[str, str]:
        """What a catcher sees as ``$states.errorOutput``."""
        return {"Error": self.error, "Cause": self.cause}


class TaskFailed(StateFailed):
    """The service that a task called reports an error. Raised by ``Integration.perform``."""


class QueryFailed(StateFailed):
    """A JSONata expression gave nothing, the wrong type, or an error."""

    def __init__(self, cause: str, nothing: Nothing | None = None) -> None:
        super().__init__("States.QueryEvaluationError", cause, nothing=nothing)


class DataLimitExceeded(StateFailed):
    """``holder``, a service or a state, gave more data than a payload may have."""

    def __init__(self, holder: str) -> None:
        super().__init__(
            "States.DataLimitExceeded",
            f"The state/task '{holder}' returned a result with a size exceeding the maximum number of bytes service "
            "limit.",
        )

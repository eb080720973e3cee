"""What a document says of a wait: the models of ``wait-for``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stepworkflows_cdk.integrations.callers import Callers, Route
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step

__all__ = ["KINDS", "ApiSpec", "ApprovalSpec", "EventSpec", "WaitForKeys", "WaitSpec", "kind_of", "spec_of"]

KINDS = ("event", "signal", "queue", "api", "approval")
"""What can end a wait; a document names one of them."""


_LONGEST = 80
"""Characters of a choice."""


def _paths(match: dict[str, Any]) -> dict[str, Any]:
    for path in match:
        if not all(part and part.replace("-", "_").isidentifier() for part in path.split(".")):
            raise ValueError("names of fields of the answer, with dots between them where one is inside another")
    return match


class EventSpec(Keys):
    """The kind of event that ends the wait."""

    source: str = Field(min_length=1, description="Who sends it; fixed at deployment.")
    detail_type: str = Field(min_length=1, description="What kind of event it is; fixed at deployment.")
    bus: str | None = Field(
        None, description="The name of a bus under `resources`; default: the account's default bus."
    )


class ApiSpec(Keys):
    """The request that ends the wait. It is answered 202 where it is the answer, also when it comes again; 409 where another
    one was first; 404 where what waited has ended; 400 where it can be no answer.
    """

    path: Route = Field(description="The path, such as `/orders/confirmed`.")
    method: Literal["POST", "PUT"] = Field("POST", description="The method.")
    auth: str | Callers = Field(
        description="Who may answer: `iam`, `cognito` (the flow's one user pool), `{cognito: NAME}` or `{function: NAME}`."
    )


def _several(value: Any) -> Any:
    if len(set(value)) != len(value) or not all(0 < len(each) <= _LONGEST for each in value):
        raise ValueError(f"texts of at most {_LONGEST} characters, each one once")
    return value


class ApprovalSpec(Keys):
    """The decision that ends the wait. Everybody in `to` gets a mail with a link of their own, to a page with the choices; the
    first decision counts. The result is `approved`, `choice`, `by` (the address) and `comment`.
    """

    to: str | list[str] = Field(description="The address of whoever may decide, or a list of them.")
    from_: str = Field(
        min_length=3, description="The sender, of an identity that is verified in SES; fixed at deployment."
    )
    subject: str = Field(min_length=1, description="The subject of the mail, and the title of the page.")
    text: str = Field(min_length=1, description="The text of the mail and the page. A link is put behind it.")
    choices: Annotated[list[str], AfterValidator(_several)] = Field(
        default_factory=lambda: ["approve", "reject"],
        min_length=1,
        max_length=10,
        description="What can be chosen; `approved` is whether it is the first.",
    )
    identity: str | None = Field(None, description="The verified identity; default: the domain of `from`.")


class WaitSpec(Keys):
    """What ends the wait: one of `event`, `signal`, `queue`, `api` and `approval`; with `match`, but for `approval`."""

    event: EventSpec | None = Field(None, description="An event of EventBridge. The result is the event.")
    signal: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$",
        description="The name of a signal, which another flow, code or a person sends to this flow. The result is its data.",
    )
    queue: str | None = Field(
        None,
        description="The name of a queue under `resources`. The message's body, a JSON object, is the result. The flow takes "
        "all messages of the queue.",
    )
    api: ApiSpec | None = Field(
        None, description="A request to a path of the stack's API. Its body, a JSON object, is the result."
    )
    approval: ApprovalSpec | None = Field(
        None, description="A person's decision, by a link in a mail. The link is its own key, so it has no `match`."
    )
    match: Annotated[dict[str, Any], AfterValidator(_paths)] | None = Field(
        None,
        min_length=1,
        description="Field of the event's detail, of the signal's data, of the message or the body, such as `order.id` -> the value "
        "that it must have. Together they single out the execution, and in a loop the item.",
    )


class WaitForKeys(Keys):
    """The key of a step that waits for the outside world. It needs a `timeout`. Signals, messages and bodies may be errors: where their
    field `error` has an error's name, the wait fails with that, and with the text in `cause`.
    """

    wait_for: WaitSpec = Field(description="What ends the wait.")


def spec_of(step: Step) -> WaitSpec:
    """What the step waits for."""
    assert isinstance(step.work, WaitForKeys)
    return step.work.wait_for


def kind_of(spec: WaitSpec) -> str:
    """Which of the kinds it is; the first, where a document names several."""
    return next((kind for kind in KINDS if getattr(spec, kind) is not None), "")

"""Waits that a person ends by a link in a mail.

The waiting task calls a function, which keeps the token, and mails everybody who may decide a link of their own. Another
function answers the links: with a page, and to what the page sends. What decides is the part of the link behind ``#``, which
browsers keep to themselves and the page puts into the body: it stands in no log and no trace, and whoever looks at links in mails
decides nothing. The table has only its hash.
"""

from __future__ import annotations

from stepworkflows_cdk.compiler.integration import Call, Scope
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Jsonata, Text, need_id
from stepworkflows_cdk.integrations.api.needs import AddressNeed, AnswerPathNeed
from stepworkflows_cdk.integrations.senders import sender_of
from stepworkflows_cdk.integrations.waits.claims import DAY, TABLE, answering, owner_of, place_of, resolver, table
from stepworkflows_cdk.integrations.waits.keys import ApprovalSpec, spec_of
from stepworkflows_cdk.language.workflow import Step

__all__ = ["approval_wait"]

_ADDRESS = "api-address"
_RATE, _BURST = 10, 20
# Errors of the function are named by their classes: `MailNotSent` is its own, for what another try may heal.
_TRANSIENT = (
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "MailNotSent",
)


def approval_wait(step: Step, spec: ApprovalSpec, scope: Scope) -> Call:
    """A wait for somebody's decision."""
    flow, timeout = scope.workflow.id, step.keys.timeout
    assert timeout
    asking = [
        other for other in scope.workflow.forward if other.integration is step.integration and spec_of(other).approval
    ]
    mark = asking[0].mark
    path = f"/approvals/{flow}"
    url = Text((Hole(_ADDRESS, "url"), path))
    mailer = resolver(mark, need_id("wait-mailer", flow), "mailer", {"URL": url})
    door = resolver(mark, need_id("wait-approvals", flow), "approvals")
    page = AnswerPathNeed(
        id=need_id("wait-path-approvals", flow),
        mark=mark,
        path=f"{path}/{{id}}",
        methods=("GET", "POST"),
        auth="open",
        authorizer=None,
        function=door.id,
        rate=_RATE,
        burst=_BURST,
    )
    sender = sender_of(spec.from_, spec.identity, scope, step.mark_of("wait-for", "approval", "from"))
    key = Jsonata(f"{literal(f'{place_of(step, scope.workflow)}/')} & {owner_of(scope).code}")
    asked: dict[str, Data] = {
        "key": key,
        "owner": owner_of(scope),
        "token": Jsonata("$states.context.Task.Token"),
        # Where it begins anew behind a reminder, mails are sent again.
        "round": Jsonata("$states.context.State.EnteredTime"),
        "lasts": timeout + DAY,
        "from": sender.written,
        "to": scope.data(spec.to),
        "subject": scope.data(spec.subject),
        "text": scope.data(spec.text),
        "choices": list(spec.choices),
    }
    called = Text((Hole(mailer.id, "arn"),))
    place = step.key_mark("wait-for")
    return Call(
        resource="lambda:invoke.waitForTaskToken",
        arguments={"FunctionName": called, "Payload": asked},
        timeout=timeout,
        transient=_TRANSIENT,
        needs=(table(mark), AddressNeed(id=_ADDRESS, mark=mark), mailer, door, page),
        grants=(
            Grant(scope.machine, ("lambda:InvokeFunction",), called, place),
            *(_may_mail(mailer.id, other, scope) for other in asking),
            *answering(mailer.id, mark),
            *answering(door.id, mark),
            Grant(door.id, ("dynamodb:GetItem",), Text((Hole(TABLE, "arn"),)), mark),
            Grant(page.id, ("lambda:InvokeFunction",), Text((Hole(door.id, "arn"),)), mark),
        ),
    )


def _may_mail(mailer: str, step: Step, scope: Scope) -> Grant:
    spec = spec_of(step).approval
    assert spec is not None
    mark = step.mark_of("wait-for", "approval", "from")
    return sender_of(spec.from_, spec.identity, scope, mark).grant(mailer, step.key_mark("wait-for", "approval"))

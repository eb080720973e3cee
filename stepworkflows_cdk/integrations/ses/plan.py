"""``email: {from, to, subject, ...}``: a mail by SES, directly from the state machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Data
from stepworkflows_cdk.integrations.senders import check_receivers, check_sender, sender_of
from stepworkflows_cdk.integrations.ses.template import Mail, WrongTemplate, filled, read_mail
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Email", "EmailKeys"]

_TIMEOUT = 60
_RECEIVERS = 50  # https://docs.aws.amazon.com/ses/latest/dg/quotas.html
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
_TRANSIENT = (
    "SesV2.InternalServiceErrorException",
    "SesV2.SdkClientException",
    "SesV2.ServiceUnavailableException",
    "SesV2.ThrottlingException",
    "SesV2.TooManyRequestsException",
)


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class EmailSpec(Keys):
    """A mail."""

    from_: str = Field(
        min_length=3, description="The sender, of an identity that is verified in SES; fixed at deployment."
    )
    to: Annotated[str | list[str], AfterValidator(_list)] = Field(description="The receiver, or a list of receivers.")
    subject: str | None = Field(None, description="The subject; a template has its own.")
    text: str | None = Field(None, description="The plain text.")
    html: str | None = Field(None, description="The text in HTML; what references put in is escaped.")
    template: str | None = Field(
        None,
        pattern=r"^[\w.-]+$",
        description="A name: `mail/NAME.txt`, which begins with `Subject: ...`, and any `mail/NAME.html`, beside the document.",
    )
    identity: str | None = Field(None, description="The verified identity; default: the domain of `from`.")


class EmailKeys(Keys):
    """The key of a step that sends a mail. The step's `inputs` are what a template names."""

    email: EmailSpec = Field(description="The mail.")


class Email(Integration):
    """SES by the SDK integration: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html."""

    key = "email"
    keys = EmailKeys
    transient = _TRANSIENT

    def takes_default(self, key: str, step: Mapping[str, Any]) -> bool:
        own = ("subject", "text", "html")
        return "template" not in step["email"] if key in own else key != "template" or not set(own) & set(step["email"])

    def takes_whole(self, step: Step) -> bool:
        return _spec(step).template is None  # it has no inputs then, and says so

    def gives(self, step: Step) -> frozenset[str] | None:
        return frozenset({"MessageId"})

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        if len(spec.to) > _RECEIVERS:
            message = f"a mail has {_RECEIVERS} receivers at most"
            yield Problem("SW401", message, step.mark_of("email", "to"), "send several, with `for-each`")
        if spec.template is None:
            if spec.subject is None:
                yield Problem("SW102", "the mail has no `subject`", step.mark_of("email"), "add it")
            if spec.text is None and spec.html is None:
                yield Problem(
                    "SW102", "the mail has neither `text` nor `html`", step.mark_of("email"), "add one, or a `template`"
                )
            if step.keys.inputs is not None:
                message = "`inputs` are what a template names, and there is none"
                yield Problem("SW107", message, step.key_mark("inputs"), "remove them, or write a template")
        else:
            for key in ("subject", "text", "html"):
                if getattr(spec, key) is not None:
                    message = f"`{key}` stands beside a template, which has its own"
                    yield Problem("SW107", message, step.key_mark("email", key), "remove it")
            yield from _check_template(step, spec.template)
        yield from check_receivers(step, ("email", "to"), spec.to)
        yield from check_sender(step, ("email",), spec.from_, spec.identity)

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = _spec(step)
        mail = _mail(step, spec, scope)
        body: dict[str, Data] = {}
        if mail.text is not None:
            body["Text"] = {"Data": mail.text}
        if mail.html is not None:
            body["Html"] = {"Data": mail.html}
        sender = sender_of(spec.from_, spec.identity, scope, step.mark_of("email", "from"))
        return Call(
            resource="aws-sdk:sesv2:sendEmail",
            arguments={
                "FromEmailAddress": sender.written,
                "Destination": {"ToAddresses": [scope.data(address) for address in spec.to]},
                "Content": {"Simple": {"Subject": {"Data": mail.subject}, "Body": body}},
            },
            timeout=step.keys.timeout or _TIMEOUT,
            transient=_TRANSIENT,
            grants=(sender.grant(scope.machine, step.key_mark("email")),),
        )


def _spec(step: Step) -> EmailSpec:
    assert isinstance(step.work, EmailKeys)
    return step.work.email


def _mail(step: Step, spec: EmailSpec, scope: Scope) -> Mail:
    if spec.template is None:
        html = None if spec.html is None else filled(spec.html, scope.expression, html=True)
        text = None if spec.text is None else scope.data(spec.text)
        return Mail(scope.data(spec.subject or ""), text, html)
    inputs = step.named_inputs
    return read_mail(step.document.folder, spec.template).filled(inputs, scope.expression)


def _check_template(step: Step, name: str) -> Iterable[Problem]:
    mark = step.mark_of("email", "template")
    try:
        template = read_mail(step.document.folder, name)
    except WrongTemplate as error:
        yield Problem("SW505", str(error), mark, error.hint)
        return
    if step.given_whole:
        return
    inputs = step.named_inputs
    for root in template.roots():
        if root not in inputs:
            yield Problem(
                "SW505",
                f"the template names `{root}`, which is not among the `inputs`",
                mark,
                f"add `{root}` to `inputs`",
            )
    for name_ in inputs:
        if name_ not in template.roots():
            yield Problem(
                "SW505",
                f"the template does not name `{name_}`",
                step.key_mark("inputs", name_),
                "remove it, or use it there",
            )

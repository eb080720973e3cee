"""Who mails are sent by: an address of an identity that is verified in SES, fixed at deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parseaddr

from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.plan import Condition, Grant, Hole, Text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.references import (
    Expression,
    Template,
    WrongValue,
    is_plain,
    parse_value,
    references_in,
)
from stepworkflows_cdk.language.workflow import Step

__all__ = ["Sender", "check_receivers", "check_sender", "sender_of"]

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_SEVERAL = re.compile(r"@[^,]*,.*@")


@dataclass(frozen=True)
class Sender:
    """``written`` may have a name beside the ``address``."""

    written: str
    address: str
    identity: str

    def grant(self, holder: str, mark: Mark) -> Grant:
        """Lets ``holder`` send mails from this address.

        https://docs.aws.amazon.com/ses/latest/dg/sending-authorization-policy-examples.html
        """
        surroundings = ("arn:", Hole("aws", "partition"), ":ses:", Hole("aws", "region"), ":", Hole("aws", "account"))
        only = Condition("StringEquals", "ses:FromAddress", (Text((self.address,)),))
        return Grant(holder, ("ses:SendEmail",), Text((*surroundings, f":identity/{self.identity}")), mark, (only,))


def sender_of(written: str, identity: str | None, scope: Scope, mark: Mark) -> Sender:
    """The sender with this config; by default the identity is the address's domain."""
    sender = _fixed(scope.text(written))
    address = parseaddr(sender)[1]
    found = _fixed(scope.text(identity)) if identity else address.rpartition("@")[2]
    if not found or "*" in found:
        raise ConfigurationError(f"{mark}: {sender!r} is no address of a sender")
    return Sender(sender, address, found)


def check_sender(step: Step, path: Path_, written: str, identity: str | None) -> Iterator[Problem]:
    """What is wrong with ``from`` and ``identity`` at ``path`` in the step."""
    for key, value in (("from", written), ("identity", identity)):
        try:
            parsed = parse_value(value or "")
        except WrongValue:
            continue
        fixed = not isinstance(parsed, Expression) and all(part.root == "config" for part in references_in(parsed))
        if not fixed:
            message = f"`{key}` is fixed at deployment: permissions are given on it"
            yield Problem("SW215", message, step.mark_of(*path, key), "write it out, or name `config`")
        elif key == "from" and not isinstance(parsed, Template) and "@" not in parseaddr(value or "")[1]:
            yield Problem("SW219", "the sender is no address", step.mark_of(*path, "from"), "write name@domain")


def check_receivers(step: Step, path: Path_, written: str | list[str]) -> Iterator[Problem]:
    """What is wrong with the receivers at ``path`` in the step, of those that are written out."""
    many = enumerate(written) if isinstance(written, list) and isinstance(step.get(*path), list) else ()
    places: list[tuple[Path_, str]] = [((*path, index), one) for index, one in many]
    if not places:
        places = [(path, one) for one in ([written] if isinstance(written, str) else written)]
    for place, text in places:
        if not is_plain(text) or (_ADDRESS.fullmatch(parseaddr(text)[1]) and not _SEVERAL.search(text)):
            continue
        several = [part.strip() for part in text.split(",")]
        hint = f"write a list: `{path[-1]}: [{', '.join(several)}]`" if _SEVERAL.search(text) else "write name@domain"
        yield Problem("SW219", f"`{text}` is no address", step.mark_of(*place), hint)


def _fixed(text: Text) -> str:
    return "".join(str(part) for part in text.parts)

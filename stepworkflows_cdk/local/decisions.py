"""Decisions by links in mails: the newest link that a step has mailed, and what its page sends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from stepworkflows_cdk.language.ids import StepId
from stepworkflows_cdk.local.delivery import deliver_request
from stepworkflows_cdk.local.world import World

__all__ = ["Link", "asked", "decide", "link_for"]

_LINK = re.compile(r"https://api\.example\.com/live(/\S+)/([\w-]+)#([\w-]+)")


@dataclass(frozen=True)
class Link:
    """A path of the API, the part that names one page, and the secret behind it."""

    path: str
    page: str
    secret: str


def asked(world: World, step: StepId, item: int | None) -> list[str]:
    """Whom the step has mailed a link to."""
    mails = [mail for call, mail in world.mailed if call.id == step and item in (None, call.item)]
    return list(dict.fromkeys(address for mail in mails if _LINK.search(str(mail["text"])) for address in mail["to"]))


def link_for(world: World, step: StepId, by: str, item: int | None) -> Link | None:
    """The link in the newest mail that the step has sent; to ``by``, and for that item of a loop, where these are given."""
    for call, mail in reversed(world.mailed):
        found = _LINK.search(str(mail["text"]))
        if found and call.id == step and item in (None, call.item) and (not by or by in mail["to"]):
            return Link(*found.groups())
    return None


def decide(world: World, link: Link, choice: str, comment: str, entry: str) -> None:
    """Sends what the link's page sends."""
    form = urlencode({"secret": link.secret, "choice": choice, "comment": comment})
    deliver_request(world, "POST", f"{link.path}/{{id}}", form, {"id": link.page}, entry=entry)

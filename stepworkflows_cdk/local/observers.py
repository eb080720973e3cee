"""What is seen of a run from outside: mails, events and written rows, by botocore's public event system on the run's session.

Every client of the session is observed, those that step code makes with ``boto3.client`` too. A session that step code
makes itself (``boto3.Session()``) is not. Senders count as verified: the first mail of an address verifies it.
"""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from typing import Any

from stepworkflows_cdk.local.buses import DEFAULT
from stepworkflows_cdk.local.clock import timestamp
from stepworkflows_cdk.local.delivery import deliver
from stepworkflows_cdk.local.events import EventEmitted, MailSent, RowWritten
from stepworkflows_cdk.local.rows import plain_row
from stepworkflows_cdk.local.world import World

__all__ = ["OBSERVED", "observe"]

_PARAMETERS = "stepworkflows-parameters"
_MAILS = (("ses", "SendEmail"), ("ses", "SendRawEmail"), ("ses", "SendTemplatedEmail"), ("sesv2", "SendEmail"))
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
OBSERVED = (*_MAILS, ("eventbridge", "PutEvents"), *(("dynamodb", operation) for operation in _WRITES))
"""The calls that are seen: the service, as botocore's events call it, and the operation."""


def observe(world: World) -> None:
    """From now on, mails come into ``world.outbox``, events into ``world.emitted`` and to whoever waits for them, and the
    listener hears of both and of rows. Before any client is made."""
    events = world.session.events

    def keep(params: Any, context: dict[str, Any], **_: Any) -> None:
        context[_PARAMETERS] = params

    def verify(params: Mapping[str, Any], **_: Any) -> None:
        if sender := parseaddr(_sender(params))[1]:
            world.client("ses").verify_email_identity(EmailAddress=sender)

    def mailed(http_response: Any, context: Mapping[str, Any], **_: Any) -> None:
        if http_response.status_code < 300:
            mail = _mail(context[_PARAMETERS])
            world.outbox.append({**mail, "time": timestamp(world.clock.now())})
            if world.call is not None:
                world.mailed.append((world.call, mail))
            world.tell(MailSent(world.clock.elapsed(), world.state, mail["from"], tuple(mail["to"]), mail["subject"]))

    def written(http_response: Any, model: Any, context: Mapping[str, Any], **_: Any) -> None:
        if http_response.status_code < 300 and world.fate is not None:
            row = str(context[_PARAMETERS].get("Key", {}).get("key", {}).get("S", ""))
            world.fate.rows.append(row)
            world.kept.setdefault(row, world.fate.entry)
        if http_response.status_code < 300 and world.listener is not None:
            for table, key, operation in _writes(world, model.name, context[_PARAMETERS]):
                world.tell(RowWritten(world.clock.elapsed(), world.state, table, key, operation))

    def emitted(http_response: Any, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        entries = zip(context[_PARAMETERS].get("Entries", ()), parsed.get("Entries", ()), strict=False)
        for entry, answer in entries if http_response.status_code < 300 else ():
            if "EventId" in answer:
                _emit(world, entry)

    events.register("provide-client-params.eventbridge.PutEvents", keep)
    events.register("after-call.eventbridge.PutEvents", emitted)
    for service, operation in _MAILS:
        events.register(f"provide-client-params.{service}.{operation}", keep)
        events.register(f"provide-client-params.{service}.{operation}", verify)
        events.register(f"after-call.{service}.{operation}", mailed)
    for operation in _WRITES:  # the parameters as they are sent: a table of ``boto3.resource`` is given plain rows
        events.register(f"before-parameter-build.dynamodb.{operation}", keep)
        events.register(f"after-call.dynamodb.{operation}", written)


def _emit(world: World, entry: Mapping[str, Any]) -> None:
    """Tells of an event that was sent, and hands it on once its sender has come to rest."""
    bus = str(entry.get("EventBusName", DEFAULT)).rpartition("/")[2]
    name = next((name for name, physical in world.buses.names.items() if physical == bus), bus)
    source, kind, detail = str(entry.get("Source", "")), str(entry.get("DetailType", "")), _json(entry.get("Detail"))
    world.emitted.append(
        {"bus": name, "source": source, "detail-type": kind, "detail": detail, "time": timestamp(world.clock.now())}
    )
    world.tell(EventEmitted(world.clock.elapsed(), world.state, name, source, kind))
    if isinstance(detail, Mapping):
        deliver(world, bus, source, kind, detail)


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _sender(params: Mapping[str, Any]) -> str:
    if source := params.get("Source") or params.get("FromEmailAddress"):
        return str(source)
    return str(_parsed(params)["From"] or "") if _raw(params) else ""


def _mail(params: Mapping[str, Any]) -> dict[str, Any]:
    """One shape for all ways to send a mail with SES."""
    destination = params.get("Destination", {})
    to = [address for kind in ("To", "Cc", "Bcc") for address in destination.get(f"{kind}Addresses", ())]
    mail = {
        "from": _sender(params),
        "to": to or list(params.get("Destinations", ())),
        "subject": "",
        "text": None,
        "html": None,
    }
    content = params.get("Content", {})
    template = params.get("Template") or content.get("Template", {}).get("TemplateName")
    if _raw(params):
        parsed = _parsed(params)
        addresses = getaddresses([str(parsed[name]) for name in ("To", "Cc", "Bcc") if parsed[name]])
        mail["to"] = mail["to"] or [address for _, address in addresses]
        mail["subject"] = str(parsed["Subject"] or "")
        for name, kind in (("text", "plain"), ("html", "html")):
            body = parsed.get_body((kind,))
            mail[name] = body.get_content() if body is not None else None
    elif template:
        data = params.get("TemplateData") or content["Template"].get("TemplateData", "")
        mail.update(subject=f"template {template}", text=data)
    else:
        message = params.get("Message") or content.get("Simple", {})
        mail["subject"] = message.get("Subject", {}).get("Data", "")
        for name, kind in (("text", "Text"), ("html", "Html")):
            mail[name] = message.get("Body", {}).get(kind, {}).get("Data")
    return mail


def _raw(params: Mapping[str, Any]) -> Any:
    return (params.get("RawMessage") or params.get("Content", {}).get("Raw") or {}).get("Data")


def _parsed(params: Mapping[str, Any]) -> EmailMessage:
    data = _raw(params)
    raw = data.encode() if isinstance(data, str) else bytes(data)
    return email.message_from_bytes(raw, policy=email.policy.default)


def _writes(world: World, api: str, params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Table's resource name, plain key, operation; of each write in a call."""
    names = {table.physical: name for name, table in world.tables.items()}
    for physical, operation, request in _requests(api, params):
        row = request.get("Item") or request.get("Key")
        if physical in names and row:
            keys = world.tables[names[physical]].keys
            yield names[physical], {key: plain_row({key: row[key]})[key] for key in keys if key in row}, operation


def _requests(api: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if "TableName" in params:
        yield params["TableName"], api.removesuffix("Item").lower(), params
    for table, entries in params.get("RequestItems", {}).items():
        for entry in entries:
            for kind, request in entry.items():
                yield table, kind.removesuffix("Request").lower(), request
    for item in params.get("TransactItems", ()):
        for kind, request in item.items():
            if kind != "ConditionCheck":
                yield request["TableName"], kind.lower(), request

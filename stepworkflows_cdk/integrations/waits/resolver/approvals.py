"""The page behind a link in a mail, and the decision that it sends.

``GET`` shows what is to be decided, and changes nothing: programs that look at mails follow links. ``POST`` decides, if it brings
the secret of the link, which the page takes from behind the ``#`` of its own address. The first decision counts.

Given the requests of an API with Lambda proxy integration:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import logging
import time
from typing import Any
from urllib.parse import parse_qs

from answers import Answer, get, give
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)
_COMMENT = 2000
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:3em auto;padding:0 1em;color:#222}"
    "pre{white-space:pre-wrap;font:inherit}textarea{width:100%;box-sizing:border-box}"
    "button{font:inherit;margin:1em 1em 0 0;padding:.4em 1.2em}"
)
_SCRIPT = (
    "document.getElementById('secret').value=location.hash.slice(1);history.replaceState(null,'',location.pathname);"
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    try:
        return _answered(event)
    except (BotoCoreError, ClientError) as error:
        log.error("%s", type(error).__name__)
        return _page(503, "Not now", "This cannot be done now. Please try again in a minute.")


def _answered(event: dict[str, Any]) -> dict[str, Any]:
    row = get(f"approval/{(event.get('pathParameters') or {}).get('id')}")
    if row is None or int(row["expires"]["N"]) < time.time():
        return _page(404, "Nothing here", "There is nothing to decide here, or not any more.")
    choices = json.loads(row["choices"]["S"])
    if event["httpMethod"] != "POST":
        return _page(200, row["subject"]["S"], row["text"]["S"], _form(choices))
    given = _given(event)
    secret = hashlib.sha256(given.get("secret", "").encode()).hexdigest()
    if not hmac.compare_digest(secret, row["secret"]["S"]):
        return _page(403, "Not this link", "The link is not complete. Please open it as it stands in the mail.")
    choice = given.get("choice", "")
    if choice not in choices:
        return _page(400, row["subject"]["S"], row["text"]["S"], _form(choices))
    data = {
        "approved": choice == choices[0],
        "choice": choice,
        "by": row["by"]["S"],
        "comment": given.get("comment", "")[:_COMMENT],
    }
    keep = int(row["expires"]["N"]) - int(time.time())
    match give(row["wait"]["S"], Answer(json.dumps(data, ensure_ascii=False)), keep, told=True):
        case "other":
            return _page(
                409, "Already decided", "Somebody was faster, or you have decided before. Nothing was changed."
            )
        case "late":
            return _page(404, "Too late", "Nobody waits for this any more. Nothing was changed.")
    return _page(200, "Thank you", f"You chose: {choice}.")


def _given(event: dict[str, Any]) -> dict[str, str]:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode("utf-8", "replace")
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}


def _form(choices: list[str]) -> str:
    buttons = "".join(
        f'<button name="choice" value="{html.escape(each)}">{html.escape(each)}</button>' for each in choices
    )
    return (
        '<form method="post"><input type="hidden" id="secret" name="secret">'
        f'<label>Comment<br><textarea name="comment" rows="3" maxlength="{_COMMENT}"></textarea></label><br>{buttons}'
        "<noscript><p>To decide, this page needs JavaScript: what decides is the part of the link behind the #, which only "
        f"a script of the page can read.</p></noscript></form><script>{_SCRIPT}</script>"
    )


def _page(status: int, title: str, text: str, form: str = "") -> dict[str, Any]:
    title, text = html.escape(title), html.escape(text)
    body = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><pre>{text}</pre>{form}</body></html>"
    )
    allowed = f"style-src {_digest(_STYLE)}; script-src {_digest(_SCRIPT)}; form-action 'self'"
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; {allowed}; base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return {"statusCode": status, "headers": headers, "body": body}


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

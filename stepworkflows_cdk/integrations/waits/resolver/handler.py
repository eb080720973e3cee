"""An event becomes the answer that a step waits for; and an answer that came early goes to the step that it belongs to.

Given ``{"wait": "flow/step", "match": ["order_id"], "keep": seconds, "event": {...}}`` by a rule, with ``"signal": true``
where the answer is the event's detail, with ``"cancel": true`` where it ends an execution. Given ``{"take": key, "owner":
execution, "token": token}`` by a state machine.
"""

from __future__ import annotations

import logging
from typing import Any

from answers import WaitTaken, answer_of, give, key_of, take
from cancels import cancel

log = logging.getLogger(__name__)


class AnswerNotFetched(Exception):
    """What was there could not be sent now; another try may."""


def handler(given: dict[str, Any], context: object) -> None:
    if "take" in given:
        try:
            take(given["take"], given["owner"], given["token"])
        except WaitTaken:
            raise
        except Exception as error:
            raise AnswerNotFetched(type(error).__name__) from error
        return
    event = given["event"]
    key = key_of(given, event["detail"])
    if key is None:
        log.info("%s: an event whose fields to match are others, or neither texts nor whole numbers", given["wait"])
        return
    if given.get("cancel"):
        cancel(key, event["detail"], int(given["keep"]))
        return
    answer = answer_of(event["detail"]) if given.get("signal") else answer_of(event, plain=True)
    give(key, answer, int(given["keep"]))

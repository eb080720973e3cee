"""The shop's ledger: an order and an amount become money taken from the customer's account, and given back, once.

Two tables. ``accounts`` (key ``email``) holds each customer's ``balance`` in cents. ``payments`` (key ``order_id``)
holds one entry an order, CHARGED or REFUNDED, signed with the shop's payment key. Money and entry change in one
transaction, and every answer is read from the entry afterwards: a call that is repeated, whatever interrupted the
first, answers as the first would have.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError
from service import PaymentBusy, call, reasons
from signing import Keyring, sign

Status = Literal["CHARGED", "REFUNDED"]

_ROUNDS = 3
_REFUSED = "ConditionalCheckFailed"


class PaymentRefused(Exception):
    """The payment cannot be made, now or later. Carries no amounts and no address."""


class LedgerTampered(Exception):
    """The order's entry is not as this code wrote it. Nothing was changed; somebody has to look."""


@dataclass(frozen=True)
class Entry:
    """What the ledger says about one order. ``amount`` is in cents; a tombstone is REFUNDED with the amount 0."""

    order_id: str
    email: str
    amount: int
    status: Status

    def signature(self, key: bytes) -> str:
        return sign(key, "entry", self.order_id, self.email, self.amount, self.status)

    def charge_id(self, key: bytes) -> str:
        return "ch_" + sign(key, "charge", self.order_id)[:32]


@dataclass(frozen=True)
class Ledger:
    """The two tables, a DynamoDB client to reach them, and the keys that sign entries."""

    client: Any
    accounts: str
    payments: str
    keys: Keyring

    def charge(self, order_id: str, email: str, amount: int) -> str:
        """Takes ``amount`` cents from the account, once. The charge's id.

        Raises PaymentRefused, PaymentBusy or LedgerTampered.
        """
        entry = Entry(order_id, email, amount, "CHARGED")
        actions = [self._put(entry, self.keys.current())]
        if amount:
            actions.append(self._add(email, -amount))
        failed = self._transact(actions)
        found = self._read(order_id)  # cancelled or replayed, only the entry tells what became of the order
        if found is None and failed:
            raise PaymentRefused("the account does not exist or does not cover the order")
        if found is None:
            raise LedgerTampered("the order's entry was removed")
        written, signed_with = found
        if written.status == "REFUNDED":
            raise PaymentRefused("the order was refunded already")
        if written != entry:
            raise PaymentRefused("the order was charged already, for another amount or account")
        return written.charge_id(signed_with)

    def refund(self, order_id: str, email: str) -> int:
        """Gives back what was charged for the order, once. The amount in cents, 0 where nothing was charged.

        Where there is no charge, an entry is left that refuses one that may still be on its way.
        Raises PaymentRefused, PaymentBusy or LedgerTampered.
        """
        for _ in range(_ROUNDS):  # between reading and writing, a charge or another refund may slip in
            found = self._read(order_id)
            if found is None:
                self._transact([self._put(Entry(order_id, email, 0, "REFUNDED"), self.keys.current())])
                continue
            entry, signed_with = found
            if entry.email != email:
                raise PaymentRefused("the order was charged to another account")
            if entry.status == "REFUNDED":
                return entry.amount
            self._give_back(entry, signed_with)
        raise PaymentBusy("the order is being charged or refunded at this moment")

    def _give_back(self, charged: Entry, signed_with: bytes) -> None:
        refunded = Entry(charged.order_id, charged.email, charged.amount, "REFUNDED")
        change = {
            "TableName": self.payments,
            "Key": {"order_id": {"S": charged.order_id}},
            "UpdateExpression": "SET #status = :refunded, signature = :new",
            "ConditionExpression": "signature = :old",  # the signature covers all other attributes
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":refunded": {"S": "REFUNDED"},
                ":new": {"S": refunded.signature(self.keys.current())},
                ":old": {"S": charged.signature(signed_with)},
            },
        }
        actions: list[dict[str, Any]] = [{"Update": change}]
        if charged.amount:
            actions.append(self._add(charged.email, charged.amount))
        failed = self._transact(actions)
        if failed[1:] == [_REFUSED] and failed[0] != _REFUSED:
            raise PaymentRefused("the account that was charged no longer exists")

    def _put(self, entry: Entry, key: bytes) -> dict[str, Any]:
        item = {
            "order_id": {"S": entry.order_id},
            "email": {"S": entry.email},
            "amount": {"N": str(entry.amount)},
            "status": {"S": entry.status},
            "signature": {"S": entry.signature(key)},
        }
        condition = "attribute_not_exists(order_id)"
        return {"Put": {"TableName": self.payments, "Item": item, "ConditionExpression": condition}}

    def _add(self, email: str, cents: int) -> dict[str, Any]:
        values = {":cents": {"N": str(cents)}}
        if cents < 0:
            values[":least"] = {"N": str(-cents)}
        update = {
            "TableName": self.accounts,
            "Key": {"email": {"S": email}},
            "UpdateExpression": "SET balance = balance + :cents",
            "ConditionExpression": "balance >= :least" if cents < 0 else "attribute_exists(balance)",
            "ExpressionAttributeValues": values,
        }
        return {"Update": update}

    def _transact(self, actions: list[dict[str, Any]]) -> list[str]:
        """Why conditions did not hold, one reason an action; empty where the transaction was done.

        The token makes a repeated request harmless for ten minutes, the conditions for ever. It replays a success
        without a look at what happened since, so no caller takes "done" for an answer.
        """
        token = hashlib.sha256(json.dumps(actions).encode()).hexdigest()[:36]
        try:
            call(self.client.transact_write_items, TransactItems=actions, ClientRequestToken=token)
        except ClientError as error:
            if _REFUSED not in reasons(error):
                raise
            return reasons(error)
        return []

    def _read(self, order_id: str) -> tuple[Entry, bytes] | None:
        """The order's entry and the key that it is signed with."""
        key = {"order_id": {"S": order_id}}
        answer = call(self.client.get_item, TableName=self.payments, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        try:
            entry = Entry(order_id, item["email"]["S"], int(item["amount"]["N"]), item["status"]["S"])
            signature = item["signature"]["S"]
        except (KeyError, ValueError):
            raise LedgerTampered("the order's entry is incomplete") from None
        for signed_with in self.keys.trusted():
            if entry.signature(signed_with) == signature:
                return entry, signed_with
        raise LedgerTampered("the order's entry does not bear the shop's signature")

"""The order flow, run here with its real step code: whatever goes wrong, it ends as a shop would want.

Each test checks the books: no item is lost or sold twice, no cent appears or disappears.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import RunResult, run
from stepworkflows_cdk.reference import order_flow

FOLDER = order_flow().parent
ORDER = json.loads((FOLDER / "sample" / "order.json").read_text(encoding="utf-8"))
TOTAL = sum(item["qty"] * item["price"] for item in ORDER["items"])
CONFLICT = {
    "error": "DynamoDb.TransactionCanceledException",
    "cause": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]",
}
CANARY = "canary-7c1d"
BOUNCES = "SesV2.MessageRejectedException"
CONFIRMED = ["Your order 1001"]
DAY = 86_400


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return compile_workflow(Definition.load(order_flow()))


def place(
    bundle: Bundle,
    *faults: Mapping[str, Any],
    order: Any = ORDER,
    tea: int = 10,
    cup: int = 3,
    balance: int = 10_000,
    tables: Mapping[str, Any] | None = None,
    delivery: Sequence[str] = ("2d",),
) -> RunResult:
    stock = [{"sku": "tea", "left": tea}, {"sku": "cup", "left": cup}]
    accounts = [{"email": "ada@example.com", "balance": balance}]
    before = {"tables": {"stock": stock, "accounts": accounts, **(tables or {})}, "secrets": {"payment": CANARY}}
    came = [delivered(after) for after in delivery]
    result = run(bundle, order, integrations=BUILTIN, outside=[{"given": before}, *faults, *came])
    assert CANARY not in json.dumps(result.to_json()) + "".join(line.text for line in result.logs)
    return result


def fault(at: str, error: str = "RuntimeError", *, after: bool = False, cause: str = "") -> dict[str, Any]:
    return {"at": at, "throws": {"error": error, "cause": cause}, **({"after-effect": True} if after else {})}


def delivered(after: str, order_id: str = "1001") -> dict[str, Any]:
    return {"after": after, "source": "carrier", "detail-type": "Delivered", "detail": {"order_id": order_id}}


def subjects(result: RunResult) -> list[str]:
    return [mail["subject"] for mail in result.outbox]


def history(result: RunResult) -> list[str]:
    return [entry["status"] for entry in order_row(result)["history"]]


def left(result: RunResult) -> dict[str, int]:
    return {row["sku"]: row["left"] for row in result.tables["stock"]}


def balance(result: RunResult) -> int:
    (account,) = result.tables["accounts"]
    return int(account["balance"])


def order_row(result: RunResult) -> Mapping[str, Any]:
    (row,) = result.tables["orders"]
    return row


def assert_sold(result: RunResult, status: str = "DELIVERED") -> None:
    assert (result.status, result.error) == ("SUCCEEDED", None)
    assert left(result) == {"tea": 8, "cup": 2}
    assert balance(result) == 10_000 - TOTAL
    assert order_row(result)["status"] == status
    assert history(result) == ["PLACED", "CREATED", "SHIPPED", status]
    assert [(row["status"], row["amount"]) for row in result.tables["payments"]] == [("CHARGED", TOTAL)]
    assert len(result.tables["reservations"]) == 1


def assert_nothing_happened(result: RunResult, *, tea: int = 10, cup: int = 3, money: int = 10_000) -> None:
    """The order failed, and stock and money are as before."""
    assert result.status == "FAILED"
    assert left(result) == {"tea": tea, "cup": cup}
    assert balance(result) == money
    assert order_row(result)["status"] == "FAILED"
    assert history(result)[-1] == "FAILED"
    assert not result.tables["reservations"]
    assert all(row["status"] == "REFUNDED" for row in result.tables["payments"])


def test_an_order_from_the_click_to_the_thank_you_mail(bundle: Bundle) -> None:
    result = place(bundle)
    assert_sold(result)
    row = order_row(result)
    assert result.output == {
        "order_id": "1001",
        "charge_id": row["charge"],
        "total": TOTAL,
        "delivered_at": "2026-01-03T00:00:00Z",
    }
    assert row["delivered_at"] == "2026-01-03T00:00:00Z"
    assert [entry["at"][:10] for entry in row["history"]] == ["2026-01-01"] * 3 + ["2026-01-03"]
    assert subjects(result) == [*CONFIRMED, "Your order 1001 is on its way", "Thank you for your order 1001"]
    assert {(mail["from"], *mail["to"]) for mail in result.outbox} == {("shop@example.com", "ada@example.com")}
    assert "21.00" in result.outbox[0]["text"]
    assert all("Hello Ada," in mail["text"] and "Hello Ada," in mail["html"] for mail in result.outbox)
    assert result.simulated_seconds == 2 * DAY


def test_a_customer_without_a_name_is_greeted(bundle: Bundle) -> None:
    result = place(bundle, order={**ORDER, "user": {"email": "ada@example.com"}})
    assert_sold(result)
    assert all(mail["text"].startswith("Hello,") for mail in result.outbox)


@pytest.mark.parametrize(
    ("delivery", "day"),
    [
        pytest.param(["0s"], 0, id="early"),
        pytest.param(["2d", "2d"], 2, id="twice at once"),
        pytest.param(["2d", "3d"], 2, id="twice"),
        pytest.param(["0s", "1d"], 0, id="early and again"),
        pytest.param(["13d23h59m59s"], 13, id="in the last second"),
    ],
)
def test_a_delivery_is_thanked_for_once(bundle: Bundle, delivery: Sequence[str], day: int) -> None:
    result = place(bundle, delivery=delivery)
    assert_sold(result)
    assert order_row(result)["delivered_at"].startswith(f"2026-01-{day + 1:02}")
    assert subjects(result).count("Thank you for your order 1001") == 1
    assert result.notes == ()


@pytest.mark.parametrize("delivery", [[], ["14d1s"], ["20d", "30d"]], ids=["never", "late", "late and twice"])
def test_without_a_delivery_in_time_nobody_is_thanked(bundle: Bundle, delivery: Sequence[str]) -> None:
    result = place(bundle, delivery=delivery)
    assert_sold(result, "UNDELIVERED")
    assert result.simulated_seconds == 14 * DAY
    assert (order_row(result)["delivered_at"], order_row(result)["thanks"]) == (None, "skipped")
    assert len(result.outbox) == 2
    assert len(result.notes) == len(delivery)
    assert all("Delivered from carrier) was not taken: " in note for note in result.notes)


def test_the_delivery_of_another_order_is_not_this_ones(bundle: Bundle) -> None:
    assert_sold(place(bundle, delivered("1d", "1002"), delivery=[]), "UNDELIVERED")


def test_a_delivery_whose_wait_is_throttled_is_not_missed(bundle: Bundle) -> None:
    throttled = fault("delivered", "DynamoDb.ThrottlingException")
    lost = fault("delivered", "DynamoDb.InternalServerErrorException", after=True)
    assert_sold(place(bundle, throttled, lost, delivery=["0s"]))
    assert_sold(place(bundle, lost, throttled, delivery=["1d"]))


def test_a_wait_that_somebody_else_has_fails_without_a_refund(bundle: Bundle) -> None:
    taken = fault("delivered", "DynamoDb.ConditionalCheckFailedException")
    assert_stuck(place(bundle, taken, delivery=[]), "WaitTaken")


@pytest.mark.parametrize("mail", ["confirm", "tell", "thanks"])
@pytest.mark.parametrize("error", [BOUNCES, "RuntimeError", "States.Timeout"])
def test_a_mail_that_bounces_stops_nothing(bundle: Bundle, mail: str, error: str) -> None:
    result = place(bundle, fault(mail, error))
    assert_sold(result)
    assert len(result.outbox) == 2
    assert order_row(result)["thanks"] == ("failed" if mail == "thanks" else "done")


def test_an_address_that_bounces_everything(bundle: Bundle) -> None:
    result = place(bundle, *[fault(mail, BOUNCES) for mail in ("confirm", "tell", "thanks")])
    assert_sold(result)
    assert result.outbox == ()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_cannot_be_marked_as_shipped_is_stuck_and_the_customer_is_told(bundle: Bundle, after: bool) -> None:
    result = place(bundle, fault("mark-shipped", after=after))
    assert result.error == "RuntimeError"
    assert_stuck(result, "RuntimeError")
    assert subjects(result)[1:] == ["Your order 1001 is on its way"]  # its branch came to its end first
    assert result.states.index("tell") < result.states.index("mark-failed")
    assert history(result) == ["PLACED", "CREATED", *["SHIPPED"] * after, "STUCK"]


def test_both_branches_fail(bundle: Bundle) -> None:
    result = place(bundle, fault("mark-shipped"), fault("tell"))
    assert_stuck(result, "RuntimeError")
    assert subjects(result) == CONFIRMED


def assert_stuck(result: RunResult, error: str) -> None:
    """Past the point of no return: what is sold stays sold."""
    assert result.status == "FAILED"
    assert left(result) == {"tea": 8, "cup": 2}
    assert balance(result) == 10_000 - TOTAL
    assert (order_row(result)["status"], order_row(result)["error"]) == ("STUCK", error)
    assert len(result.tables["reservations"]) == 1
    assert not {"refund", "release"} & set(result.states)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_fails_behind_the_shipping_refunds_nothing(bundle: Bundle, after: bool) -> None:
    result = place(bundle, fault("close-order", after=after))
    assert result.error == "RuntimeError"
    assert_stuck(result, "RuntimeError")


def test_out_of_stock_on_the_second_line_takes_nothing(bundle: Bundle) -> None:
    result = place(bundle, cup=0)
    assert (result.error, result.cause) == ("OutOfStock", "not all of the order is in stock")
    assert_nothing_happened(result, cup=0)
    assert "charge" not in result.states


def test_an_item_that_nobody_stocks_takes_nothing(bundle: Bundle) -> None:
    unknown = {**ORDER, "items": [*ORDER["items"], {"sku": "unknown", "qty": 1, "price": 1}]}
    result = place(bundle, order=unknown)
    assert result.error == "OutOfStock"
    assert_nothing_happened(result)


def test_the_last_item_is_sold_and_no_more(bundle: Bundle) -> None:
    assert left(place(bundle, tea=2, cup=1)) == {"tea": 0, "cup": 0}
    assert_nothing_happened(place(bundle, tea=1), tea=1)


def test_the_same_item_on_two_lines_is_counted_together(bundle: Bundle) -> None:
    twice = {**ORDER, "items": [{"sku": "tea", "qty": 2, "price": 100}, {"sku": "tea", "qty": 3, "price": 100}]}
    assert left(place(bundle, order=twice, tea=5)) == {"tea": 0, "cup": 3}
    assert_nothing_happened(place(bundle, order=twice, tea=4), tea=4)


@pytest.mark.parametrize("step", ["confirm", "reserve", "charge", "create-order"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_step_that_crashes_is_undone(bundle: Bundle, step: str, after: bool) -> None:
    result = place(bundle, fault(step, after=after))
    if step == "confirm":  # the mail is not worth an order
        assert_sold(result)
    else:
        assert result.error == "RuntimeError"
        assert_nothing_happened(result)


def test_a_crash_of_the_first_step_after_its_effect_leaves_a_failed_order(bundle: Bundle) -> None:
    assert_nothing_happened(place(bundle, fault("place-order", after=True)))


@pytest.mark.parametrize("step", ["confirm", "charge"])
def test_a_function_throttled_thrice_is_tried_again(bundle: Bundle, step: str) -> None:
    result = place(bundle, *[fault(step, "Lambda.TooManyRequestsException")] * 3, delivery=["0s"])
    assert_sold(result)
    assert result.attempts[step] == 4
    assert 0 < result.simulated_seconds <= 2 + 4 + 8


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("place-order", "DynamoDB.InternalServerErrorException"),
        ("reserve", "DynamoDb.InternalServerErrorException"),
        ("charge", "Lambda.ServiceException"),
        ("create-order", "DynamoDB.ThrottlingException"),
        ("mark-shipped", "DynamoDB.InternalServerErrorException"),
        ("close-order", "DynamoDB.InternalServerErrorException"),
        ("confirm", "Lambda.SdkClientException"),
    ],
)
def test_an_answer_lost_after_the_effect_counts_once(bundle: Bundle, step: str, error: str) -> None:
    result = place(bundle, fault(step, error, after=True))
    assert_sold(result)
    assert len(result.outbox) == 3


def test_a_lost_race_for_the_stock_is_run_again(bundle: Bundle) -> None:
    assert_sold(place(bundle, *[{"at": "reserve", "throws": CONFLICT}] * 5))
    assert_nothing_happened(place(bundle, *[{"at": "reserve", "throws": CONFLICT}] * 6))


def test_a_payment_that_is_refused_gives_the_stock_back(bundle: Bundle) -> None:
    result = place(bundle, balance=TOTAL - 1)
    assert result.error == "PaymentRefused"
    assert order_row(result)["error"] == "PaymentRefused"
    assert_nothing_happened(result, money=TOTAL - 1)


def test_an_undo_that_fails_twice_is_tried_again(bundle: Bundle) -> None:
    result = place(bundle, fault("charge", after=True), *[fault("refund", "AnyError")] * 2)
    assert result.error == "RuntimeError"
    assert_nothing_happened(result)


def test_an_undo_that_fails_for_good_is_named_and_the_rest_is_undone(bundle: Bundle) -> None:
    result = place(bundle, fault("charge", after=True), *[fault("refund", "AnyError")] * 6)
    assert result.error == "UndoFailed"
    assert str(result.cause).startswith("not undone: charge; the first error was RuntimeError")
    assert left(result) == {"tea": 10, "cup": 3}
    assert result.tables["payments"][0]["status"] == "CHARGED"
    assert balance(result) == 10_000 - TOTAL
    assert order_row(result)["status"] == "FAILED"


def test_a_release_that_loses_a_race_is_not_taken_for_nothing_to_release(bundle: Bundle) -> None:
    races = [{"at": "release", "throws": CONFLICT}]
    assert_nothing_happened(place(bundle, fault("charge"), *races * 2))
    assert place(bundle, fault("charge"), *races * 6).error == "UndoFailed"


def test_a_second_order_under_the_same_id_touches_nothing(bundle: Bundle) -> None:
    first = {"order_id": "1001", "status": "CREATED", "execution": "another", "charge": "ch_1"}
    result = place(bundle, tables={"orders": [first]})
    assert result.error == "ConditionFailed"
    assert order_row(result) == first
    assert (left(result), balance(result), result.outbox) == ({"tea": 10, "cup": 3}, 10_000, ())


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"order_id": "a b"}, "order_id"),
        ({"user": {"email": "nobody"}}, "user.email"),
        ({"items": []}, "items"),
        ({"items": [{"sku": "tea", "qty": 0, "price": 1}]}, "items[0].qty"),
        ({"items": [{"sku": "tea", "qty": 1, "price": -1}]}, "items[0].price"),
    ],
)
def test_a_wrong_order_runs_no_step(bundle: Bundle, change: Mapping[str, Any], path: str) -> None:
    result = place(bundle, order={**ORDER, **change})
    assert (result.error, result.states) == ("InvalidInput", ("Input", "Wrong input"))
    assert path in str(result.cause)


FAULTS = st.lists(
    st.builds(
        fault,
        st.sampled_from(
            "confirm reserve charge create-order mark-shipped tell delivered thanks close-order refund release "
            "mark-failed".split()
        ),
        st.sampled_from(
            "RuntimeError Lambda.ServiceException DynamoDb.ThrottlingException DynamoDB.InternalServerErrorException "
            "PaymentBusy States.Timeout".split()
        ),
        after=st.booleans(),
    ),
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(
    faults=FAULTS,
    tea=st.integers(0, 4),
    money=st.integers(0, 4_000),
    delivery=st.lists(st.sampled_from(["0s", "1s", "1h", "13d", "15d"]), max_size=3),
)
def test_stock_and_money_are_conserved_whatever_fails(
    bundle: Bundle, faults: Sequence[Mapping[str, Any]], tea: int, money: int, delivery: Sequence[str]
) -> None:
    result = place(bundle, *faults, tea=tea, balance=money, delivery=delivery)
    reserved = {"tea": 2, "cup": 1} if result.tables["reservations"] else {"tea": 0, "cup": 0}
    assert left(result) == {"tea": tea - reserved["tea"], "cup": 3 - reserved["cup"]}
    paid = sum(row["amount"] for row in result.tables["payments"] if row["status"] == "CHARGED")
    assert balance(result) + paid == money
    assert balance(result) >= 0
    if result.error == "UndoFailed":
        return  # what is left is named, and a person looks at it
    sold = "shipped" in result.states
    assert sold == bool(reserved["tea"]) == bool(paid)
    assert sold or result.status == "FAILED"
    told = history(result)
    assert len(told) == len(set(told))
    if result.status == "SUCCEEDED":
        assert told == [
            "PLACED",
            "CREATED",
            "SHIPPED",
            "DELIVERED" if order_row(result)["delivered_at"] else "UNDELIVERED",
        ]
        thanked = subjects(result).count("Thank you for your order 1001")
        assert thanked == 1 if order_row(result)["thanks"] == "done" else thanked <= 1

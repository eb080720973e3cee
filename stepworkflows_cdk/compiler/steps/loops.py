"""A `for-each`: a map over the items, and where they are joined."""

from __future__ import annotations

from stepworkflows_cdk.compiler.distributed import WRITTEN, distributed
from stepworkflows_cdk.compiler.exports import column
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Catch, Data, Jsonata, Map, State
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.steps.forks import branch_states, failed_whole, first_failure, join_states, stopped
from stepworkflows_cdk.compiler.tasks import CAUSE, ERROR
from stepworkflows_cdk.compiler.values import Values, output_variable, variable
from stepworkflows_cdk.language.model import ForEachKeys
from stepworkflows_cdk.language.references import Expression, parse_value
from stepworkflows_cdk.language.types import type_of_value
from stepworkflows_cdk.language.workflow import Step

__all__ = ["for_each_states"]

_TOO_MANY = "TooManyItems"
"""The error of a list that is longer than `max-items`."""
# https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemselector.html
_ITEM = {"item": "$states.context.Map.Item.Value", "index": "$states.context.Map.Item.Index"}


def for_each_states(context: Context, step: Step, each: ForEachKeys, lane: Lane, next_: str) -> list[State]:
    """The map, and the join."""
    (body,) = step.branches
    states = branch_states(context, step, body, lane)
    values, failure, result = context.values(step), variable("failed", step.id), "$states.result"
    outputs: dict[str, Data] = {}
    failed: Data = first_failure(result)
    if each.collect:
        told = "$r.failure = null ? null : {'type': $r.failure.type, 'cause': $r.failure.cause}"
        errors: Data = Jsonata(column(result, f"({told})", None), "array")
        failed, outputs = None, {output_variable(step.id): {"errors": errors}}
    if each.may_fail:
        failed = None
    if each.results:
        outputs = {output_variable(step.id): {"results": WRITTEN}}
    assign = {failure: failed, **stopped(step, result), **outputs, **context.attempted(step)}
    assign |= context.exports.listed(body, lane.depth, result)
    if id(step) in context.kept:
        last_first = f"$reduce({result}, function($l, $r) {{ $append([$r.undo], $l) }}, [])"
        assign[variable("undo", step.id)] = Jsonata(last_first)
    choice, joined = join_states(context, step, lane, next_)
    # An error of the loop itself, such as of its list, comes before or behind all items; it goes where theirs go.
    error = f"($contains({CAUSE}, {literal(_TOO_MANY)}) ? {literal(_TOO_MANY)} : {ERROR})" if each.max_items else ERROR
    catch = (Catch((ALL,), choice, failed_whole(context, step, error)),)
    items = _items(each, values)
    selector: dict[str, Data] = {what: Jsonata(_ITEM[what]) for what in context.exports.items_read(step)}
    map_ = Map(step.name, step.mark, items, selector, states, choice, each.concurrency, assign, catch=catch)
    if each.distributed:
        map_ = distributed(map_, states[0].name != context.first(body.steps[0]), step, each, values)
    return [map_, *joined]


def _items(each: ForEachKeys, values: Values) -> Data:
    """The list of a loop. An expression may have made nothing of an empty list, and an item of a list of one. Of an
    object a Map would take each field for an item:
    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemspath.html.
    """
    if isinstance(each.items, list):
        return values.data(each.items)
    code, is_list = values.expression(each.items).code, False
    if isinstance(each.items, str):
        is_list = type_of_value(each.items, values.view) == "array"
        if isinstance(parse_value(each.items), Expression):
            code, is_list = f"($v := {code}; $type($v) = 'array' ? $v : $exists($v) ? [$v] : [])", True
    if is_list and each.max_items is None:
        return Jsonata(code)
    items = "$l"
    if each.max_items is not None:
        # In two parts: the cause of an error shows the expression, and is looked at for the name.
        message = f"{literal(_TOO_MANY[:4])} & {literal(f'{_TOO_MANY[4:]}: there may be {each.max_items} items')}"
        items = f"($count($l) > {each.max_items} ? $error({message}) : $l)"
    if not is_list:
        items = f"$type($l) = 'array' ? {items} : $error('the items are no list')"
    return Jsonata(f"($l := {code}; {items})")

"""Names that a caller gave, held against the names that there are; names that no other stack has had."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from aws_cdk import Fn, Stack
from constructs import Construct

from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["check_names", "in_account", "this_time", "unknown_name"]


def check_names(argument: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Every name in ``given`` has to be ``known``, else a :class:`ConfigurationError` that proposes the nearest one."""
    names = sorted(known)
    for name in given:
        if name not in names:
            raise ConfigurationError(unknown_name(argument, name, names))


def unknown_name(argument: str, name: str, known: Iterable[str]) -> str:
    """The sentence about a name that is not there."""
    names = sorted(known)
    nearest = get_close_matches(name, names, n=1, cutoff=0.5)
    allowed = f"the workflow has {', '.join(names)}" if names else "the workflow has none"
    meant = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"{argument}: unknown name {name!r}; {allowed}{meant}"


def in_account(construct: Construct) -> str:
    """A name that tells the construct from all others of its account and region, known when the app is synthesised: the name
    of its stack, of a nested stack that of the outermost, and its place in that.
    """
    stack = Stack.of(construct)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return f"{stack.stack_name}/{construct.node.path[len(stack.node.path) :].strip('/')}"


def this_time(scope: Construct) -> str:
    """Part of a name for what outlives its stack: another one each time that the stack is made. 36 characters.

    The last part of the stack's id:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
    """
    return Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))

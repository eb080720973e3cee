"""DynamoDB's expressions, with a placeholder for every name and every value.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepworkflows_cdk.compiler.plan import Data

__all__ = ["Expressions"]


class Expressions:
    """Collects the placeholders of one request."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: list[Data] = []

    def update(self, set_: Mapping[str, Data], add: Mapping[str, Data], append: Mapping[str, Data]) -> str:
        """An UpdateExpression: attributes set, numbers added, lists appended to. All values are typed."""
        sets = [f"{self._name(name)} = {self._value(value)}" for name, value in set_.items()]
        for name, value in append.items():
            placeholder = self._name(name)
            empty = self._value({"L": []})
            sets.append(f"{placeholder} = list_append(if_not_exists({placeholder}, {empty}), {self._value(value)})")
        adds = [f"{self._name(name)} {self._value(value)}" for name, value in add.items()]
        parts = [f"SET {', '.join(sets)}"] if sets else []
        parts += [f"ADD {', '.join(adds)}"] if adds else []
        return " ".join(parts)

    def once(self, key: str, writer: str, value: Data) -> str:
        """A ConditionExpression: no row is there, or the one that this writer wrote."""
        return f"attribute_not_exists({self._name(key)}) OR {self._name(writer)} = {self._value(value)}"

    def not_by(self, writer: str, value: Data) -> str:
        """A ConditionExpression: this writer was not the last to write the row."""
        name = self._name(writer)
        return f"(attribute_not_exists({name}) OR {name} <> {self._value(value)})"

    def condition(self, wanted: Mapping[str, Sequence[Data]]) -> str:
        """A ConditionExpression: each attribute has one of its values; None stands for an attribute that is not
        there.
        """
        clauses = []
        for name, values in wanted.items():
            placeholder = self._name(name)
            ways = [
                f"attribute_not_exists({placeholder})" if value is None else f"{placeholder} = {self._value(value)}"
                for value in values
            ]
            clauses.append(f"({' OR '.join(ways)})")
        return " AND ".join(clauses)

    def arguments(self) -> dict[str, Data]:
        """The maps of placeholders, where there are any."""
        found: dict[str, Data] = {}
        if self._names:
            found["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self._names.items()}
        if self._values:
            found["ExpressionAttributeValues"] = {f":v{number}": value for number, value in enumerate(self._values)}
        return found

    def _name(self, name: str) -> str:
        return self._names.setdefault(name, f"#n{len(self._names)}")

    def _value(self, value: Data) -> str:
        self._values.append(value)
        return f":v{len(self._values) - 1}"

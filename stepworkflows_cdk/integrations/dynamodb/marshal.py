"""JSON values and the typed values of DynamoDB, both ways, as data of a plan: what is known now is written out, the
rest is JSONata.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

import json

from stepworkflows_cdk.compiler.plan import Data, Jsonata, Text

__all__ = ["key_value", "marshal", "object_code", "unmarshal"]

# A function on any JSON value. The items of a list become objects, so no list ever collapses into its only item.
_MARSHAL = (
    "$m := function($v) { $exists($v) ? ($t := $type($v);"
    " $t = 'string' ? {'S': $v} : $t = 'number' ? {'N': $string($v)} : $t = 'boolean' ? {'BOOL': $v} :"
    " $t = 'null' ? {'NULL': true} : $t = 'array' ? {'L': [$map($v, function($i) { $m($i) })]} :"
    " {'M': $merge([$each($v, function($i, $k) { {$k: $m($i)} })])}) : $error('a value to record is missing') }"
)
# A function on a typed value that gives JSON text: text is joined without care for lists of one or none.
_UNMARSHAL = (
    "$s := function($x) { ($q := $string([$x]); $substring($q, 1, $length($q) - 2)) };"
    " $j := function($a) { ($t := $keys($a)[0]; $v := $lookup($a, $t);"
    " $t = 'S' or $t = 'B' ? $s($v) : $t = 'N' ? $v : $t = 'BOOL' ? $string($v) : $t = 'NULL' ? 'null' :"
    " $t = 'L' ? '[' & $join($map($v, function($i) { $j($i) }), ',') & ']' :"
    " $t = 'NS' ? '[' & $join($v, ',') & ']' :"
    " $t = 'SS' or $t = 'BS' ? '[' & $join($map($v, function($i) { $s($i) }), ',') & ']' :"
    " '{' & $join($each($v, function($i, $k) { $s($k) & ':' & $j($i) }), ',') & '}') }"
)


def marshal(value: Data) -> Data:
    """A JSON value as a typed value of DynamoDB."""
    match value:
        case Jsonata(type="string"):
            return {"S": value}
        case Jsonata(code, "number" | "integer"):
            return {"N": Jsonata(f"$string({code})")}
        case Jsonata(type="boolean"):
            return {"BOOL": value}
        case Jsonata(code):
            return Jsonata(f"({_MARSHAL}; $m({code}))")
        case Text() | str():
            return {"S": value}
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": json.dumps(value)}
        case list():
            return {"L": [marshal(item) for item in value]}
        case dict():
            return {"M": {name: marshal(item) for name, item in value.items()}}


def object_code(code: str) -> str:
    """JSONata for the typed values of the object that the expression ``code`` gives: name -> typed value. Anything but an
    object is an error.
    """
    wrong = "$error('what is recorded is no object')"
    return f"({_MARSHAL}; $o := {code}; $type($o) = 'object' ? $m($o).M : {wrong})"


def key_value(value: Data) -> Data:
    """A value of a key, which is a string."""
    if isinstance(value, Jsonata):
        return {"S": value} if value.type == "string" else {"S": Jsonata(f"$string({value.code})")}
    return {"S": value if isinstance(value, str | Text) else json.dumps(value)}


def unmarshal(row: str) -> str:
    """JSONata for the plain row of the typed one that the expression ``row`` gives; null where there is none."""
    return f"($exists({row}) ? ({_UNMARSHAL}; $parse($j({{'M': {row}}}))) : null)"

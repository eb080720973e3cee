"""Each code of a problem: what it means, a document that has it and nothing else, and the same, mended.

Beside the documents there are ``code/`` with a handler, ``part.yaml`` and ``broken.zip``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """``wrong`` and ``right`` are documents in YAML; without one, ``wrong`` names the file that is not there."""

    means: str
    wrong: str
    right: str
    encoding: str = "utf-8"
    beside: tuple[str, ...] = ()
    """Codes that come with it."""


FILES = {
    "code/handler.py": "def handler(event, context):\n    return event\n",
    "part.yaml": "name: part\ninputs: {n: integer}\nresources: {rows: {type: bucket}}\nsteps: [{id: x, wait: 1}]\n",
    "broken.zip": "no zip",
    "mail/hello.txt": "Subject: Hello\n\nHello\n",
}
TABLE = "name: a\nresources: {rows: {type: table, key: id}}\n"
CODE = "runs-on: lambda, zip-file: code"
WRITE = 'record: {table: rows, key: {id: "1"}}'
KEYED = 'inputs: {n: string}\ntriggers: {api: {path: /a, auth: iam, idempotency-key: "{input.n}"}}\n'
BOMB = "name: a\nx: &x [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\ny: &y [*x, *x, *x, *x, *x, *x, *x, *x, *x, *x]\n"
BOMB += "z: [*y, *y, *y, *y, *y, *y, *y, *y, *y, *y]\n"


LONG = "x" * 270_000
"""The page shows three of them."""


def steps(*lines: str, head: str = "name: a\n") -> str:
    return head + "steps:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def one(wrong: str, right: str, head: str = "name: a\n") -> tuple[str, str]:
    """Flows of one step."""
    return steps(wrong, head=head), steps(right, head=head)


def express(wrong: str, right: str, head: str = "") -> tuple[str, str]:
    """Express flows of one step."""
    return one(wrong, right, f"name: a\nmode: express\n{head}")


WAIT = "id: b, wait: 5"
PROBLEMS: dict[str, Wrong] = {
    "SW001": Wrong("A file cannot be read.", "nowhere.yaml", steps(WAIT)),
    "SW002": Wrong("The document is too large, too deep, or grows too much by aliases.", BOMB, steps(WAIT)),
    "SW003": Wrong("The file is not UTF-8.", steps(WAIT), steps(WAIT), "utf-16"),
    "SW004": Wrong(
        "A character is not allowed, or hides how the text is read.",
        "name: a\u202eb\n" + steps(WAIT, head=""),
        steps(WAIT),
    ),
    "SW005": Wrong("The document is empty, or no mapping of keys.", "- {id: b, wait: 5}\n", steps(WAIT)),
    "SW006": Wrong(
        "YAML that has no meaning here: tags, merge keys, a second document.",
        steps("id: b, wait: !!int 5"),
        steps(WAIT),
    ),
    "SW007": Wrong(
        "A mapping stands where a text is meant: mostly a reference without quotes.",
        *one("id: b, outputs: {to: {input.user}}", 'id: b, outputs: {to: "{input.user}"}'),
    ),
    "SW008": Wrong("A key stands twice.", *one("id: b, wait: 5, id: c", WAIT)),
    "SW009": Wrong("A number that JSON does not have.", *one("id: b, outputs: {n: .inf}", "id: b, outputs: {n: 1}")),
    "SW010": Wrong("Wrong syntax.", "name: a\nsteps: [{id: b, wait: 5}\n", steps(WAIT)),
    "SW101": Wrong("A key that is not known here.", *one("id: b, wiat: 5", WAIT)),
    "SW102": Wrong("A key is missing.", *one("wait: 5", WAIT)),
    "SW103": Wrong("A value has the wrong shape.", *one("id: b, wait: soon", WAIT)),
    "SW104": Wrong(
        "Two keys of one step exclude each other; a step does one work.",
        *one(f"id: b, {CODE}, uses: part.yaml", f"id: b, {CODE}"),
    ),
    "SW105": Wrong("No id can be made from a name.", *one("name: 记录, wait: 5", "id: b, name: 记录, wait: 5")),
    "SW106": Wrong("A step does nothing, or a list of steps is empty.", *one("id: b", WAIT)),
    "SW107": Wrong("A key has no effect where it stands.", *one("id: b, wait: 5, env: {STAGE: dev}", WAIT)),
    "SW108": Wrong(
        "A name that is taken: by a root of references, by a table of the flow's own.",
        *one("id: b, outputs: {input: 1}", "id: b, outputs: {given: 1}"),
    ),
    "SW109": Wrong(
        "What the language has, and this version does not build.",
        *one(
            f'id: b, for-each: {{items: "{{input.all}}", batch: 2}}, {CODE}, undo: {{{CODE}}}',
            f'id: b, for-each: {{items: "{{input.all}}"}}, {CODE}, undo: {{{CODE}}}',
        ),
    ),
    "SW110": Wrong(
        "The first document is a step.", f"type: ActorStep\nid: b\n{CODE.replace(', ', chr(10))}\n", steps(WAIT)
    ),
    "SW111": Wrong("A flow without steps.", "name: a\n", steps(WAIT)),
    "SW112": Wrong(
        "Keys that contradict each other in what they mean.",
        *one(f"id: b, {CODE}, pivot: true, on-error: continue", f"id: b, {CODE}, pivot: true"),
    ),
    "SW113": Wrong(
        "A contract that cannot be kept.",
        *one(WAIT, WAIT, "name: a\ninputs: {n: {type: string, minimum: 1}}\n"),
    ),
    "SW114": Wrong(
        "A value under `config` does not have its type.",
        *one(WAIT, WAIT, "name: a\nconfig: {n: {type: integer, default: x}}\n"),
    ),
    "SW115": Wrong(
        "A default, or a value written down, does not have its type.",
        *one("id: b, outputs: {n: {value: x, type: integer}}", "id: b, outputs: {n: {value: 1, type: integer}}"),
    ),
    "SW116": Wrong(
        "An arm of a `switch` is not complete, or `else` is not last.",
        *one(
            'id: b, switch: [{when: "{n} = 1"}]',
            'id: b, switch: [{when: "{n} = 1", steps: [{id: c, wait: 5}]}, {else: []}]',
        ),
    ),
    "SW117": Wrong(
        "A `catch` that is never reached.",
        *one(
            f"id: b, {CODE}, catch: [{{steps: [{{id: c, wait: 5}}]}}, {{errors: [Busy], steps: [{{id: d, wait: 5}}]}}]",
            f"id: b, {CODE}, catch: [{{errors: [Busy], steps: [{{id: d, wait: 5}}]}}, {{steps: [{{id: c, wait: 5}}]}}]",
        ),
    ),
    "SW118": Wrong(
        "No point in time.", *one("id: b, wait: {until: soon}", 'id: b, wait: {until: "2027-01-01T00:00:00Z"}')
    ),
    "SW119": Wrong(
        "A `for-each` whose items are no list, or in a file of no known kind.",
        *one(f"id: b, for-each: {{items: 3}}, {CODE}", f"id: b, for-each: {{items: [3]}}, {CODE}"),
    ),
    "SW120": Wrong(
        "A state under `asl` is not one that can stand here.",
        *one("id: b, asl: {Type: Pass, QueryLanguage: JSONPath}", "id: b, asl: {Type: Pass}"),
    ),
    "SW121": Wrong(
        "`inputs` as one reference or expression, where each has to be named.",
        *one(
            'id: b, record: {table: rows, key: {id: "1"}, mode: update}, inputs: "{input.row}"',
            'id: b, record: {table: rows, key: {id: "1"}}, inputs: "{input.row}"',
            TABLE,
        ),
    ),
    "SW201": Wrong(
        "An id, or the name of a state, stands twice.", steps(WAIT, "id: b, wait: 6"), steps(WAIT, "id: c, wait: 6")
    ),
    "SW202": Wrong(
        "No undo step of that name.", *one(f"id: b, {CODE}, undo: back", f"id: b, {CODE}, undo: {{{CODE}}}")
    ),
    "SW203": Wrong(
        "A reference to something that is not there.",
        *one(
            'id: b, wait: {until: "{input.tmie}"}',
            'id: b, wait: {until: "{input.time}"}',
            "name: a\ninputs: {time: string}\n",
        ),
    ),
    "SW204": Wrong(
        "A bare name with two meanings.",
        steps("id: b, outputs: {n: 1}", 'id: c, outputs: {m: "{n}"}', head="name: a\ninputs: {n: integer}\n"),
        steps("id: b, outputs: {n: 1}", 'id: c, outputs: {m: "{input.n}"}', head="name: a\ninputs: {n: integer}\n"),
    ),
    "SW205": Wrong(
        "A reference to a step that has not finished.",
        steps('id: b, outputs: {m: "{steps.c.outputs.n}"}', "id: c, outputs: {n: 1}"),
        steps("id: c, outputs: {n: 1}", 'id: b, outputs: {m: "{steps.c.outputs.n}"}'),
    ),
    "SW206": Wrong(
        "A reference to a step that does not say what of it.",
        steps("id: c, outputs: {n: 1}", 'id: b, outputs: {m: "{steps.c}"}'),
        steps("id: c, outputs: {n: 1}", 'id: b, outputs: {m: "{steps.c.outputs.n}"}'),
    ),
    "SW207": Wrong(
        "A reference to an output that may be missing.",
        steps('id: c, if: "{x} = 1", outputs: {n: 1}', 'id: b, outputs: {m: "{n}"}'),
        steps('id: c, if: "{x} = 1", outputs: {n: {value: 1, default: 0}}', 'id: b, outputs: {m: "{n}"}'),
    ),
    "SW208": Wrong(
        "A second pivot on one way through the flow.",
        steps(f"id: b, {CODE}, pivot: true", f"id: c, {CODE}, pivot: true"),
        steps(f"id: b, {CODE}", f"id: c, {CODE}, pivot: true"),
    ),
    "SW209": Wrong(
        "An undo behind the pivot, where nothing is undone; or in a branch beside it.",
        steps(f"id: b, {CODE}, pivot: true", f"id: c, {CODE}, undo: {{{CODE}}}"),
        steps(f"id: c, {CODE}, undo: {{{CODE}}}", f"id: b, {CODE}, pivot: true"),
    ),
    "SW210": Wrong(
        "`result` outside the outputs of a step that does work.",
        *one('id: b, outputs: {m: "{result.n}"}', f'id: b, {CODE}, outputs: {{m: "{{result.n}}"}}'),
    ),
    "SW211": Wrong(
        "`error` where no error is handled.", *one('id: b, outputs: {m: "{error.type}"}', "id: b, outputs: {m: none}")
    ),
    "SW212": Wrong(
        "`step` outside a step.",
        steps("id: b, outputs: {n: 1}") + 'outputs: {m: "{step.id}"}\n',
        steps('id: b, outputs: {n: "{step.id}"}') + 'outputs: {m: "{n}"}\n',
    ),
    "SW213": Wrong(
        "`index` outside a `for-each`.",
        *one('id: b, outputs: {m: "{index}"}', 'id: b, for-each: {items: [7]}, outputs: {m: "{index}"}'),
    ),
    "SW214": Wrong(
        "An undo step that nobody names.",
        steps(f"id: b, {CODE}") + f"undo-steps: {{back: {{{CODE}}}}}\n",
        steps(f"id: b, {CODE}, undo: back") + f"undo-steps: {{back: {{{CODE}}}}}\n",
    ),
    "SW215": Wrong(
        "A reference to what is known only while the flow runs, where it has to be known before.",
        *one(
            f'id: b, {CODE}, env: {{STAGE: "{{input.stage}}"}}', f'id: b, {CODE}, inputs: {{stage: "{{input.stage}}"}}'
        ),
    ),
    "SW216": Wrong(
        "No resource of that name and type.",
        *one("id: b, fetch: {table: row, key: {id: 1}}", 'id: b, fetch: {table: rows, key: {id: "1"}}', TABLE),
    ),
    "SW217": Wrong(
        "The key of a row is not the key of its table.",
        *one('id: b, fetch: {table: rows, key: {number: "1"}}', 'id: b, fetch: {table: rows, key: {id: "1"}}', TABLE),
    ),
    "SW218": Wrong(
        "An attribute of a row is written twice.",
        *one(
            'id: b, record: {table: rows, key: {id: "1"}, mode: update, add: {n: 1}}, inputs: {n: 2}',
            'id: b, record: {table: rows, key: {id: "1"}, mode: update, add: {n: 1}}, inputs: {m: 2}',
            TABLE,
        ),
    ),
    "SW219": Wrong(
        "A service would refuse this, or it would do nothing.",
        *one(
            'id: b, record: {table: rows, key: {id: "1"}, mode: update}',
            'id: b, record: {table: rows, key: {id: "1"}, mode: update}, inputs: {m: 2}',
            TABLE,
        ),
    ),
    "SW220": Wrong(
        "An AWS action has no such parameter.",
        *one(
            'id: b, call: dynamodb:describeTable, inputs: {TabelName: "{resources.rows}", TableName: "{resources.rows}"}',
            'id: b, call: dynamodb:describeTable, inputs: {TableName: "{resources.rows}"}',
            TABLE,
        ),
    ),
    "SW221": Wrong(
        "A parameter that an AWS action needs is missing.",
        *one(
            'id: b, call: dynamodb:getItem, inputs: {TableName: "{resources.rows}"}',
            'id: b, call: dynamodb:getItem, inputs: {TableName: "{resources.rows}", Key: {id: {S: "1"}}}',
            TABLE,
        ),
    ),
    "SW222": Wrong(
        "A parameter of an AWS action has the wrong type.",
        *one(
            'id: b, call: dynamodb:getItem, inputs: {TableName: "{resources.rows}", Key: [1]}',
            'id: b, call: dynamodb:getItem, inputs: {TableName: "{resources.rows}", Key: {id: {S: "1"}}}',
            TABLE,
        ),
    ),
    "SW223": Wrong(
        "AWS has no such service, or the service no such action.",
        *one(
            'id: b, call: dynamodb:descirbeTable, inputs: {TableName: "{resources.rows}"}',
            'id: b, call: dynamodb:describeTable, inputs: {TableName: "{resources.rows}"}',
            TABLE,
        ),
    ),
    "SW224": Wrong(
        "A step, or the outputs, that are never reached.",
        steps("id: b, fail: {error: Over}", "id: c, wait: 5"),
        steps("id: c, wait: 5", "id: b, fail: {error: Over}"),
    ),
    "SW225": Wrong(
        "Two flows that work together mean different things by one name.",
        *one("id: b, uses: part.yaml, inputs: {n: 1}", "id: b, uses: part.yaml, inputs: {n: 1}", TABLE),
    ),
    "SW226": Wrong(
        "A match looks for a field inside the detail of an event by a path that begins with `detail`.",
        *one(
            "id: b, wait-for: {event: {source: s, detail-type: t}, match: {detail.id: x}}, timeout: 1d",
            "id: b, wait-for: {event: {source: s, detail-type: t}, match: {id: x}}, timeout: 1d",
        ),
    ),
    "SW227": Wrong(
        "No file for `uses`.", *one("id: b, uses: prat.yaml, inputs: {n: 1}", "id: b, uses: part.yaml, inputs: {n: 1}")
    ),
    "SW228": Wrong("A flow uses itself.", *one("id: b, uses: flow.yaml", "id: b, uses: part.yaml, inputs: {n: 1}")),
    "SW229": Wrong(
        "A flow that is used is not given what it needs.",
        *one("id: b, uses: part.yaml", "id: b, uses: part.yaml, inputs: {n: 1}"),
    ),
    "SW230": Wrong(
        "A flow that is used has no such output; or a trigger stands twice.",
        *one('id: b, uses: part.yaml, inputs: {n: 1}, outputs: {m: "{m}"}', "id: b, uses: part.yaml, inputs: {n: 1}"),
    ),
    "SW231": Wrong(
        "A trigger does not give what the flow requires.",
        steps(WAIT, head="name: a\ninputs: {n: integer}\ntriggers: {schedule: {every: 1h}}\n"),
        steps(WAIT, head="name: a\ninputs: {n: integer}\ntriggers: {schedule: {every: 1h, input: {n: 1}}}\n"),
    ),
    "SW232": Wrong(
        "A schedule that cannot be.",
        steps(WAIT, head="name: a\ntriggers: {schedule: {every: 90s}}\n"),
        steps(WAIT, head="name: a\ntriggers: {schedule: {every: 2m}}\n"),
    ),
    "SW233": Wrong(
        "An API that cannot be.",
        steps(WAIT, head="name: a\ntriggers: {api: {path: /a, auth: iam, cors: [shop]}}\n"),
        steps(WAIT, head='name: a\ntriggers: {api: {path: /a, auth: iam, cors: ["https://shop.example.com"]}}\n'),
    ),
    "SW234": Wrong(
        "Cancelling by the API stops a flow that has steps to undo.",
        steps(
            f"id: b, {CODE}, undo: {{{CODE}}}", head="name: a\ntriggers: {api: {path: /a, auth: iam, cancel: true}}\n"
        ),
        steps(f"id: b, {CODE}, undo: {{{CODE}}}", head="name: a\ntriggers: {api: {path: /a, auth: iam}}\n"),
    ),
    "SW240": Wrong(
        "What a step does can start the flow itself, again and again.",
        steps(
            "id: b, emit: {source: s, detail-type: t}", head="name: a\ntriggers: {event: {source: s, detail-type: t}}\n"
        ),
        steps(
            "id: b, emit: {source: s, detail-type: u}", head="name: a\ntriggers: {event: {source: s, detail-type: t}}\n"
        ),
    ),
    "SW260": Wrong(
        "A step needs one that is not beside it.",
        steps(WAIT, "id: c, needs: [d], wait: 6"),
        steps(WAIT, "id: c, needs: [b], wait: 6"),
    ),
    "SW261": Wrong(
        "Steps wait for each other.",
        steps("id: b, needs: [c], wait: 5", "id: c, needs: [b], wait: 6"),
        steps("id: b, needs: [], wait: 5", "id: c, needs: [b], wait: 6"),
    ),
    "SW262": Wrong("A step waits for itself.", *one("id: b, needs: [b], wait: 5", "id: b, needs: [], wait: 5")),
    "SW263": Wrong(
        "A step stands twice under `needs`.",
        steps(WAIT, "id: c, needs: [b, b], wait: 6"),
        steps(WAIT, "id: c, needs: [b], wait: 6"),
    ),
    "SW264": Wrong(
        "Not all of the order that `needs` allows can be kept: a step waits for more than it needs.",
        steps(WAIT, "id: c, needs: [], wait: 6", "id: d, needs: [b, c], wait: 7", "id: e, needs: [b], wait: 8"),
        steps(WAIT, "id: c, needs: [], wait: 6", "id: d, needs: [b, c], wait: 7", "id: e, needs: [b, c], wait: 8"),
    ),
    "SW241": Wrong(
        "A canary deployment does not try containers.",
        *one(
            "id: b, runs-on: fargate, zip-file: code",
            f"id: b, {CODE}",
            "name: a\ndeploy: {strategy: canary}\n",
        ),
    ),
    "SW245": Wrong(
        "An error of Step Functions that it does not have, or that nothing inside a flow catches; one of AWS under another name.",
        *one(
            f"id: b, {CODE}, retry: {{errors: [States.TimeOut]}}", f"id: b, {CODE}, retry: {{errors: [States.Timeout]}}"
        ),
    ),
    "SW250": Wrong(
        "A default or a policy that no step takes.",
        steps(f"id: b, {CODE}", head="name: a\npolicies: {patient: {timeout: 1m}}\n"),
        steps(f"id: b, {CODE}, policy: patient", head="name: a\npolicies: {patient: {timeout: 1m}}\n"),
    ),
    "SW251": Wrong("A step, or an arm, that never runs.", *one('id: b, if: "false", wait: 5', WAIT)),
    "SW252": Wrong(
        "A `switch` that may do nothing, and does not say so.",
        *one(
            'id: b, switch: [{when: "{n} = 1", steps: [{id: c, wait: 5}]}]',
            'id: b, switch: [{when: "{n} = 1", steps: [{id: c, wait: 5}]}, {else: []}]',
        ),
    ),
    "SW253": Wrong(
        "In a flow that undoes, a step whose effect stays.",
        steps(f"id: b, {WRITE}", f"id: c, {CODE}, undo: {{{CODE}}}", head=TABLE),
        steps(f"id: b, {WRITE}, undo: none", f"id: c, {CODE}, undo: {{{CODE}}}", head=TABLE),
    ),
    "SW254": Wrong(
        "`undo: none` where nothing could be undone.",
        *one(f"id: b, {CODE}, undo: none", f"id: b, {CODE}"),
    ),
    "SW255": Wrong(
        "An error that the service does not have.",
        *one(
            'id: b, call: dynamodb:describeTable, inputs: {TableName: "{resources.rows}"}, retry: {errors: [Busy]}',
            'id: b, call: dynamodb:describeTable, inputs: {TableName: "{resources.rows}"}, retry: {errors: [transient]}',
            TABLE,
        ),
    ),
    "SW256": Wrong(
        "An action that IAM does not have.",
        *one(
            'id: b, call: s3:listObjectsV2, inputs: {Bucket: f}, permissions: {"arn:aws:s3:::f": ["s3:ListObjectsV2"]}',
            'id: b, call: s3:listObjectsV2, inputs: {Bucket: f}, permissions: {"arn:aws:s3:::f": ["s3:ListBucket"]}',
        ),
    ),
    "SW257": Wrong(
        "An action that Step Functions does not call.",
        *one(
            "id: b, call: sts:assumeRole, inputs: {RoleArn: a, RoleSessionName: b}",
            f"id: b, {CODE}",
        ),
    ),
    "SW258": Wrong(
        "`all-pages` of an answer that has no such pages.",
        *one(
            'id: b, call: dynamodb:scan, inputs: {TableName: "{resources.rows}"}, all-pages: Item',
            'id: b, call: dynamodb:scan, inputs: {TableName: "{resources.rows}"}, all-pages: Items',
            TABLE,
        ),
    ),
    "SW259": Wrong(
        "A parameter of an AWS action has a value that it cannot have.",
        *one(
            'id: b, call: dynamodb:query, inputs: {TableName: "{resources.rows}", Limit: 0}',
            'id: b, call: dynamodb:query, inputs: {TableName: "{resources.rows}", Limit: 1}',
            TABLE,
        ),
    ),
    "SW301": Wrong(
        "A reference or a string has no end.",
        *one('id: b, outputs: {m: "{% \'x %}"}', "id: b, outputs: {m: \"{% 'x' %}\"}"),
    ),
    "SW302": Wrong(
        "An expression where the value is fixed before the flow runs.",
        *one(f'id: b, {CODE}, env: {{STAGE: "{{% 1 + 1 %}}"}}', f'id: b, {CODE}, env: {{STAGE: "2"}}'),
    ),
    "SW303": Wrong("No JSONata.", *one('id: b, outputs: {m: "{% 1 + %}"}', 'id: b, outputs: {m: "{% 1 + 1 %}"}')),
    "SW304": Wrong(
        "A function or variable that Step Functions does not have.",
        *one('id: b, outputs: {m: "{% $summe([1]) %}"}', 'id: b, outputs: {m: "{% $sum([1]) %}"}'),
    ),
    "SW305": Wrong(
        "A reference in a key, where it stays text.",
        *one('id: b, outputs: {m: {"{input.x}": 1}}', 'id: b, outputs: {m: {x: "{input.x}"}}'),
    ),
    "SW306": Wrong(
        "A variable that the state machine has for something else.",
        *one('id: b, outputs: {m: "{% ($input := 1; $input) %}"}', 'id: b, outputs: {m: "{% ($mine := 1; $mine) %}"}'),
    ),
    "SW307": Wrong(
        "The input may lack this value; or a step at the end reads what may be missing.",
        *one(
            f'id: b, {CODE}, inputs: {{n: "{{input.o.n}}"}}',
            f'id: b, {CODE}, inputs: {{n: "{{input.o.n}}"}}',
            "name: a\ninputs: {o: {type: object, properties: {n: {type: integer}}}}\n",
        ),
    ),
    "SW308": Wrong("Braces that stay text.", *one('id: b, outputs: {m: "{ n }"}', 'id: b, outputs: {m: "{n}"}')),
    "SW309": Wrong(
        "A name alone, as in other languages.", *one('id: b, if: "n > 1", wait: 1m', 'id: b, if: "{n} > 1", wait: 1m')
    ),
    "SW310": Wrong(
        "An operator or a function is given a value of a type that it does not take, by what is declared.",
        *one("id: b, if: \"{n} > '3'\", wait: 1m", 'id: b, if: "{n} > 3", wait: 1m', "name: a\ninputs: {n: integer}\n"),
    ),
    "SW311": Wrong(
        "A comparison, or a field, that says the same in each run, by the types that are declared.",
        *one(
            "id: b, if: \"{f} = 'true'\", wait: 1m",
            'id: b, if: "{f} = true", wait: 1m',
            "name: a\ninputs: {f: boolean}\n",
        ),
    ),
    "SW401": Wrong("More than AWS allows.", *one(f"id: b, {CODE}, timeout: 1h", f"id: b, {CODE}, timeout: 10m")),
    "SW410": Wrong(
        "An express flow waits for the outside world.",
        *express(
            "id: b, wait-for: {event: {source: s, detail-type: t}, match: {id: x}}, timeout: 1m",
            "id: b, wait: 1m",
        ),
    ),
    "SW411": Wrong(
        "An express flow waits for a container.", *express("id: b, runs-on: fargate, zip-file: code", f"id: b, {CODE}")
    ),
    "SW412": Wrong(
        "An express flow has workers.",
        *express("id: b, runs-on: activity, zip-file: code, timeout: 1m", f"id: b, {CODE}"),
    ),
    "SW413": Wrong(
        "An express flow has a distributed loop.",
        *express(
            "id: b, for-each: {source: {bucket: files, key: a.json}}, steps: [{id: c, wait: 5}]",
            "id: b, for-each: {items: [1]}, steps: [{id: c, wait: 5}]",
            "resources: {files: {type: bucket}}\n",
        ),
    ),
    "SW414": Wrong(
        "An express flow waits for one that is not.",
        *express("id: b, uses: part.yaml, inputs: {n: 1}", "id: b, uses: part.yaml, inputs: {n: 1}, detached: true"),
    ),
    "SW415": Wrong(
        "An express flow with an idempotency key.",
        *one(WAIT, WAIT, f"name: a\nmode: express\n{KEYED}"),
        beside=("SW416",),
    ),
    "SW416": Wrong(
        "An express flow with an API.",
        steps(WAIT, head="name: a\nmode: express\ntriggers: {api: {path: /a, auth: iam}}\n"),
        steps(WAIT, head="name: a\nmode: express\ntriggers: {schedule: {every: 1h}}\n"),
    ),
    "SW417": Wrong(
        "An express flow that lasts longer than such flows can.", *express("id: b, wait: 6m", "id: b, wait: 4m")
    ),
    "SW418": Wrong(
        "An express flow undoes what may have been done twice.",
        *express(f"id: b, {CODE}, undo: {{{CODE}}}", f"id: b, {CODE}"),
    ),
    "SW419": Wrong(
        "An express flow with a race.",
        *express(
            "id: b, parallel: {c: [{id: d, wait: 5}], e: [{id: f, wait: 6}]}, join: any",
            "id: b, parallel: {c: [{id: d, wait: 5}], e: [{id: f, wait: 6}]}",
        ),
    ),
    "SW420": Wrong("A tag that AWS does not take.", steps(WAIT, head="name: a\ntags: {'aws:x': y}\n"), steps(WAIT)),
    "SW421": Wrong(
        "More tags than a resource can have.",
        steps(WAIT, head=f"name: a\ntags: {{{', '.join(f't{number}: x' for number in range(51))}}}\n"),
        steps(WAIT),
    ),
    "SW422": Wrong(
        "More data in a state than Step Functions takes.",
        *one(f"id: b, {CODE}, inputs: {{text: {LONG}}}", f"id: b, {CODE}, inputs: {{text: xxx}}"),
    ),
    "SW423": Wrong(
        "A time that is longer than the flow's.", *one("id: b, wait: 2h", "id: b, wait: 1m", "name: a\ntimeout: 1h\n")
    ),
    "SW424": Wrong(
        "More events than an execution can have.",
        *one(
            f'id: b, {CODE}, for-each: {{items: "{{input.rows}}", max-items: 20000}}',
            f'id: b, {CODE}, for-each: {{items: "{{input.rows}}", max-items: 20000, batch: 100}}',
        ),
    ),
    "SW425": Wrong(
        "A definition that is larger than Step Functions takes.",
        steps(*(f"id: b-{number}, {CODE}, inputs: {{text: {LONG[:230_000]}}}" for number in range(5))),
        steps(f"id: b, {CODE}, inputs: {{text: xxx}}"),
    ),
    "SW501": Wrong(
        "No ARN of a function, no name of a handler.", *one("id: b, runs-on: lambda, arn: pay", f"id: b, {CODE}")
    ),
    "SW502": Wrong("No code there.", *one("id: b, runs-on: lambda, zip-file: coed", f"id: b, {CODE}")),
    "SW503": Wrong("Code that cannot be read.", *one("id: b, runs-on: lambda, zip-file: broken.zip", f"id: b, {CODE}")),
    "SW504": Wrong("The code has no such handler.", *one(f"id: b, {CODE}, handler: handler.pay", f"id: b, {CODE}")),
    "SW505": Wrong(
        "A template of a mail that is not there, or does not fit the step.",
        *one(
            "id: b, email: {from: a@example.com, to: b@example.com, template: helo}",
            "id: b, email: {from: a@example.com, to: b@example.com, template: hello}",
        ),
    ),
    "SW506": Wrong(
        "A function, its account and its role that do not belong together.",
        *one(
            "id: b, runs-on: {lambda: {account: '444455556666', role: 'arn:aws:iam::111122223333:role/caller'}}, "
            "arn: 'arn:aws:lambda:REGION:444455556666:function:theirs'",
            "id: b, runs-on: {lambda: {account: '444455556666', role: 'arn:aws:iam::444455556666:role/caller'}}, "
            "arn: 'arn:aws:lambda:REGION:444455556666:function:theirs'",
        ),
    ),
    "SW507": Wrong(
        "No image in ECR.",
        *one(
            "id: b, runs-on: lambda, image: pay",
            "id: b, runs-on: lambda, image: ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/pay:1",
        ),
    ),
    "SW601": Wrong(
        "A secret as data.",
        *one(
            f'id: b, {CODE}, inputs: {{key: "{{secrets.key}}"}}',
            f'id: b, {CODE}, secrets: {{KEY: "{{secrets.key}}"}}',
            "name: a\nsecrets: {key: {}}\n",
        ),
    ),
    "SW602": Wrong(
        "A permission with a wildcard.",
        *one(
            f'id: b, {CODE}, permissions: {{rows: ["dynamodb:*"]}}',
            f"id: b, {CODE}, permissions: {{rows: [read]}}",
            TABLE,
        ),
    ),
    "SW603": Wrong(
        "A permission on nothing, or for no action.",
        *one(f"id: b, {CODE}, permissions: {{rows: [look]}}", f"id: b, {CODE}, permissions: {{rows: [read]}}", TABLE),
    ),
    "SW604": Wrong(
        "A value under `secrets` of a step that names no secret.",
        *one(
            f"id: b, {CODE}, secrets: {{KEY: hunter2}}",
            f'id: b, {CODE}, secrets: {{KEY: "{{secrets.key}}"}}',
            "name: a\nsecrets: {key: {}}\n",
        ),
    ),
    "SW605": Wrong(
        "A name that a variable cannot have.",
        *one(f"id: b, {CODE}, env: {{1ST: x}}", f"id: b, {CODE}, env: {{FIRST: x}}"),
    ),
    "SW606": Wrong(
        "It is not known on what a call may act, so that no exact permission can be given.",
        *one(
            'id: b, call: dynamodb:describeTable, inputs: {TableName: "{input.table}"}',
            'id: b, call: dynamodb:describeTable, inputs: {TableName: "{resources.rows}"}',
            TABLE,
        ),
    ),
    "SW607": Wrong(
        "A reference that CloudFormation would resolve.",
        *one(
            f"id: b, {CODE}, env: {{KEY: '{{{{{{{{resolve:ssm:key}}}}}}}}'}}",
            f'id: b, {CODE}, secrets: {{KEY: "{{secrets.key}}"}}',
            "name: a\nsecrets: {key: {}}\n",
        ),
    ),
    "SW608": Wrong(
        "A credential in a document.",
        *one(
            f"id: b, {CODE}, env: {{PASSWORD: hunter2}}",
            f'id: b, {CODE}, secrets: {{KEY: "{{secrets.key}}"}}',
            "name: a\nsecrets: {key: {}}\n",
        ),
    ),
}
"""Where wrong and right are the same but for what stands at the head, ``MENDS`` has the right one."""
MENDS = {
    "SW113": steps(WAIT, head="name: a\ninputs: {n: {type: integer, minimum: 1}}\n"),
    "SW114": steps(WAIT, head="name: a\nconfig: {n: {type: integer, default: 5}}\n"),
    "SW415": steps(WAIT, head=f"name: a\n{KEYED}"),
    "SW225": steps(
        "id: b, uses: part.yaml, inputs: {n: 1}", head="name: a\nresources: {orders: {type: table, key: id}}\n"
    ),
    "SW307": steps(
        f'id: b, {CODE}, inputs: {{n: "{{input.o.n}}"}}',
        head="name: a\ninputs: {o: {type: object, required: [n], properties: {n: {type: integer}}}}\n",
    ),
}

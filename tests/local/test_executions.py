"""Executions that states start, in machines written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.plan import Hole
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local import RunResult, StateEntered, run

MARK = Mark("flow.yaml", 1, 1)
CHILD = "${machine_child_arn}"
WAITED_FOR, DETACHED = "startExecution.sync:2", "startExecution"


def machine(id_: str, states: Mapping[str, Any], **more: Any) -> Machine:
    text = json.dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **more})
    holes = (Hole("machine-child", "arn"),) if CHILD in text else ()
    return Machine(id_, text, holes, {name: Mark("flow.yaml", 1, 1, name.lower()) for name in states}, MARK)


def start(how: str = WAITED_FOR, **state: Any) -> dict[str, Any]:
    arguments = {"StateMachineArn": CHILD, "Name": "one", "Input": {"n": 1}, **state.pop("arguments", {})}
    return {"Type": "Task", "Resource": f"arn:aws:states:::states:{how}", "Arguments": arguments, **state}


def execute(service: Any, states: Mapping[str, Any], child: Mapping[str, Any], **options: Any) -> RunResult:
    more = options.pop("machine", {})
    bundle = Bundle((machine("flow", states), machine("child", child, **more)), (), ())
    return run(bundle, options.pop("input", None), integrations=(service(),), **options)


DONE = {"Done": {"Type": "Succeed", "Output": {"got": "{% $states.input %}"}}}
NIGHT = {"Wait": {"Type": "Wait", "Seconds": 600, "Next": "Done"}, **DONE}


def test_the_result_describes_the_execution(service):
    states = {"Start": start(End=True, Output="{% $states.result %}")}
    result = execute(service, states, NIGHT)
    began = 1767225600000
    assert result.output == {
        "ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:child:one",
        "Input": {"n": 1},
        "InputDetails": {"Included": True},
        "Name": "one",
        "Output": {"got": {"n": 1}},
        "OutputDetails": {"Included": True},
        "RedriveCount": 0,
        "StartDate": began,
        "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:child",
        "Status": "SUCCEEDED",
        "StopDate": began + 600_000,
    }
    assert result.states == ("Start", "Start/Wait", "Start/Done")
    assert (result.simulated_seconds, result.transitions) == (600, 3)


def test_an_execution_that_fails_is_the_cause_of_an_error(service):
    states = {"Start": start(End=True, Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Look"}]), "Look": LOOK}
    result = execute(service, states, {"No": {"Type": "Fail", "Error": "Sold", "Cause": "out"}})
    described = json.loads(result.output["Cause"])
    assert (described["Error"], described["Cause"], described["Status"]) == ("Sold", "out", "FAILED")


LOOK = {"Type": "Succeed", "Output": "{% $states.input %}"}


def test_an_execution_that_runs_out_of_time_has_no_error_of_its_own(service):
    states = {"Start": start(End=True, Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Look"}]), "Look": LOOK}
    result = execute(service, states, NIGHT, machine={"TimeoutSeconds": 60})
    described = json.loads(result.output["Cause"])
    assert (described["Status"], "Error" in described, result.simulated_seconds) == ("TIMED_OUT", False, 60)


def test_a_state_that_is_given_up_stops_its_execution(service):
    states = {"Start": start(End=True, TimeoutSeconds=60)}
    result = execute(service, states, NIGHT)
    assert (result.status, result.error, result.simulated_seconds) == ("FAILED", "States.Timeout", 60)
    assert "Start/Done" not in result.states


def test_a_branch_that_is_given_up_stops_its_execution_at_any_remove(service):
    fails = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "E"}}}
    both = {"Both": {"Type": "Parallel", "End": True, "Branches": [{"StartAt": "Start", "States": {}}, fails]}}
    both["Both"]["Branches"][0]["States"] = {"Start": start(End=True)}
    inner = {"Deep": {"Type": "Parallel", "End": True, "Branches": [{"StartAt": "Wait", "States": NIGHT}]}}
    result = execute(service, both, inner)
    assert (result.error, result.simulated_seconds) == ("E", 0)
    assert not any(name.endswith("Done") for name in result.states)


def test_a_detached_execution_goes_on_behind_the_end(service):
    states = {"Start": start(DETACHED, End=True, Output="{% $keys($states.result) %}")}
    result = execute(service, states, NIGHT)
    assert result.output == ["ExecutionArn", "StartDate"]
    assert (result.states[-1], result.simulated_seconds) == ("Start/Done", 0)


def test_a_second_start_under_a_name_does_nothing_while_the_first_runs(service):
    states = {"Start": start(DETACHED, Next="Again"), "Again": start(End=True, Output="{% $states.result.Output %}")}
    result = execute(service, states, NIGHT)
    assert result.output == {"got": {"n": 1}}
    assert result.states == ("Start", "Again", "Start/Wait", "Start/Done")


@pytest.mark.parametrize(
    ("first", "second"), [({}, {}), ({"how": DETACHED}, {"Input": {"n": 2}})], ids=["it has ended", "another input"]
)
def test_a_name_is_taken(service, first, second):
    states = {"Start": start(**first, Next="Again"), "Again": start(arguments=second, End=True)}
    result = execute(service, states, NIGHT)
    assert result.error == "StepFunctions.ExecutionAlreadyExistsException"
    assert "execution:child:one" in result.cause


def test_starts_that_step_functions_refuses(service):
    other = start(arguments={"StateMachineArn": "arn:aws:states:::stateMachine:x"}, End=True)
    assert execute(service, {"Start": other}, DONE).error == "StepFunctions.StateMachineDoesNotExistException"
    text = start(arguments={"Input": "{"}, End=True)
    assert execute(service, {"Start": text}, DONE).error == "StepFunctions.InvalidExecutionInputException"
    odd = start(arguments={"Extra": 1}, End=True)
    assert execute(service, {"Start": odd}, DONE).error == "States.Runtime"


def test_input_may_be_a_text(service):
    text = start(arguments={"Input": '{"n": 5}'}, End=True, Output="{% $states.result.Output.got.n %}")
    assert execute(service, {"Start": text}, DONE).output == 5


def test_what_is_given_for_a_start(service):
    states = {"Start": start(End=True, Output="{% $states.result.Output %}")}
    given = execute(service, states, DONE, outside=[{"at": "start", "returns": {"x": 1}}])
    assert (given.output, given.states) == ({"x": 1}, ("Start",))
    fails = execute(service, states, DONE, outside=[{"at": "start", "throws": {"error": "Mine", "cause": "c"}}])
    assert (fails.error, json.loads(fails.cause)["Error"]) == ("States.TaskFailed", "Mine")
    inside = execute(service, states, DONE, outside=[{"at": "start", "throws": {"error": "States.Timeout"}}])
    assert inside.error == "States.Timeout"


def test_listeners_hear_of_states_behind_the_name_of_the_state_that_started_them(service):
    told = []
    execute(service, {"Start": start(End=True)}, DONE, listener=told.append)
    assert [event.name for event in told if isinstance(event, StateEntered)] == ["Start", "Start/Done"]


def test_a_machine_that_nothing_starts_need_not_run_here(service):
    odd = {"Odd": {"Type": "Task", "Resource": "arn:aws:states:::nobody:knows", "End": True}}
    bundle = Bundle((machine("flow", DONE), machine("child", odd)), (), ())
    assert run(bundle, None, integrations=(service(),)).status == "SUCCEEDED"

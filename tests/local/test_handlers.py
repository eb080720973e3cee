"""Step code as Lambda runs it."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.plan import Hole, Text
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.local import RunResult, run

CallCode = Callable[..., RunResult]


def handler(*lines: str) -> dict[str, str]:
    body = "\n".join(f"    {line}" for line in lines)
    return {"handler.py": f"import os, sys, time, json, logging\ndef handler(event, context):\n{body}\n"}


def test_a_handler_gets_the_event_and_gives_its_result(call_code: CallCode) -> None:
    result = call_code(handler("event['x'].append(2)", "return {'got': event, 'sum': (1, 2.0)}"), {"x": [1]})
    assert result.output == {"got": {"x": [1, 2]}, "sum": [1, 2]}


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"app.py": "def main(event, context): return 'app'"}, "app.main"),
        ({"pkg/__init__.py": "", "pkg/mod.py": "def fn(event, context): return 'app'"}, "pkg.mod.fn"),
        ({"space/mod.py": "def fn(event, context): return 'app'"}, "space/mod.fn"),
        ({"a.py": "from b import fn", "b.py": "def fn(event, context): return 'app'"}, "a.fn"),
    ],
)
def test_where_a_handler_may_be(call_code: CallCode, files: dict[str, str], name: str) -> None:
    assert call_code(files, handler=name).output == "app"


def test_code_in_a_zip(call_code: CallCode, tmp_path: Path) -> None:
    path = tmp_path / "code.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("handler.py", "import inner.part\ndef handler(event, context): return inner.part.X")
        packed.writestr("inner/__init__.py", "")
        packed.writestr("inner/part.py", "X = 'zipped'")
    assert call_code(path).output == "zipped"


def test_an_exception_is_reported_as_lambda_does(call_code: CallCode, tmp_path: Path) -> None:
    files = {
        "handler.py": "import deep\n\ndef handler(event, context):\n    deep.fail()\n",
        "deep.py": "class OutOfStock(Exception):\n    pass\n\ndef fail():\n    raise OutOfStock('no röses')\n",
    }
    result = call_code(files)
    assert (result.status, result.error) == ("FAILED", "OutOfStock")
    cause = json.loads(str(result.cause))
    assert list(cause) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (cause["errorMessage"], cause["errorType"]) == ("no röses", "OutOfStock")
    assert cause["stackTrace"] == [
        '  File "/var/task/handler.py", line 4, in handler\n    deep.fail()\n',
        "  File \"/var/task/deep.py\", line 5, in fail\n    raise OutOfStock('no röses')\n",
    ]
    assert str(tmp_path) not in str(result.cause)


@pytest.mark.parametrize(
    ("files", "settings", "error", "message"),
    [
        (
            handler("return {1, 2}"),
            {},
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type set is not JSON",
        ),
        (handler("return float('nan')"), {}, "Runtime.MarshalError", "Unable to marshal response: Out of range float"),
        (handler("return b'x'"), {}, "Runtime.MarshalError", "Unable to marshal response: Object of type bytes"),
        ({"x.py": ""}, {}, "Runtime.ImportModuleError", "Unable to import module 'handler': No module named 'handler'"),
        (
            {"handler.py": "import nowhere_to_be_found"},
            {},
            "Runtime.ImportModuleError",
            "Unable to import module 'handler': No module named 'nowhere_to_be_found'",
        ),
        (
            {"handler.py": "x ="},
            {},
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'handler': invalid syntax (handler.py, line 1)",
        ),
        (
            handler("pass"),
            {"handler": "handler.main"},
            "Runtime.HandlerNotFound",
            "Handler 'main' missing on module 'handler'",
        ),
        (handler("pass"), {"handler": "handler"}, "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ({"handler.py": "raise KeyError('at import')"}, {}, "KeyError", "'at import'"),
        (handler("sys.exit(3)"), {}, "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        (handler("sys.exit()"), {}, "Runtime.ExitError", "Error: Runtime exited without providing a reason"),
        (handler("sys.exit('bye')"), {}, "Runtime.ExitError", "exit status 1"),
        (handler("time.sleep(31)"), {}, "Sandbox.Timedout", "Error: Task timed out after 30.00 seconds"),
        (
            handler("import urllib.request", "urllib.request.urlopen('http://example.com')"),
            {},
            "URLError",
            "no network in a run",
        ),
        (
            handler("import socket", "socket.create_connection(('192.0.2.1', 80))"),
            {},
            "ConnectionRefusedError",
            "192.0.2.1:80",
        ),
    ],
)
def test_what_goes_wrong_has_lambdas_names(
    call_code: CallCode, files: dict[str, str], settings: dict[str, Any], error: str, message: str
) -> None:
    result = call_code(files, **settings)
    assert (result.status, result.error) == ("FAILED", error)
    assert message in json.loads(str(result.cause))["errorMessage"]


def test_the_context(call_code: CallCode) -> None:
    read = [
        f"context.{name}"
        for name in ("function_name", "memory_limit_in_mb", "invoked_function_arn", "function_version")
    ]
    lines = [
        "time.sleep(4.5)",
        f"return [{', '.join(read)}, context.get_remaining_time_in_millis(), context.aws_request_id]",
    ]
    *known, remaining, request = call_code(handler(*lines), memory=512, timeout=10).output
    arn = "arn:aws:lambda:us-east-1:123456789012:function:function-f"
    assert known == ["function-f", "512", arn, "$LATEST"]
    assert remaining == 5500
    assert len(request) == 36


def test_sleeping_takes_virtual_time_only(call_code: CallCode) -> None:
    began = time.monotonic()
    result = call_code({"handler.py": "from time import sleep\ndef handler(e, c): sleep(600)"}, timeout=900, calls=2)
    assert (result.status, result.simulated_seconds) == ("SUCCEEDED", 1200)
    assert time.monotonic() - began < 600


def test_the_code_sees_the_time_of_the_run(call_code: CallCode) -> None:
    clocks = "[time.time(), datetime.now(UTC).isoformat(), context.get_remaining_time_in_millis()]"
    files = {
        "handler.py": "import time\nfrom datetime import UTC, datetime\ndef handler(event, context):\n"
        f"    first = {clocks}\n    time.sleep(2)\n    return first + {clocks}\n"
    }
    start = 1_767_225_600
    assert call_code(files).output == [
        start, "2026-01-01T00:00:00+00:00", 30_000, start + 2, "2026-01-01T00:00:02+00:00", 28_000
    ]  # fmt: skip
    assert time.time() > start + 86_400


def test_a_deadline_by_another_clock_passes_too(call_code: CallCode) -> None:
    files = handler(
        "end, count = time.monotonic() + 5, 0",
        "while time.monotonic() < end:",
        "    time.sleep(1)",
        "    count += 1",
        "return count",
    )
    assert call_code(files).output == 5


def test_time_passes_for_threads_of_the_handler(call_code: CallCode) -> None:
    files = {
        "handler.py": "import time\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def wait(_):\n    end = time.time() + 0.1\n    while time.time() < end: time.sleep(0.05)\n    return 1\n"
        "def handler(event, context):\n    with ThreadPoolExecutor() as pool: return sum(pool.map(wait, range(2)))\n"
    }
    assert call_code(files).output == 2


def test_the_environment_is_the_functions_own(call_code: CallCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "x")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    env = (("STAGE", Text(("in-", Hole("aws", "region")))),)
    files = {
        "handler.py": "import os\nX = os.environ['STAGE']\n"
        "def handler(e, c):\n    os.environ['LEAK'] = '1'\n    return [X, dict(os.environ)]"
    }
    at_import, seen = call_code(files, env=env).output
    assert at_import == seen["STAGE"] == "in-us-east-1"
    assert {
        name: seen[name] for name in ("AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID", "_HANDLER")
    } == {
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "function-f",
        "AWS_ACCESS_KEY_ID": "testing",
        "_HANDLER": "handler.handler",
    }
    assert not {"SECRET_OF_MINE", "AWS_PROFILE"} & set(seen)
    assert "LEAK" not in os.environ


def test_output_goes_to_the_log_and_not_to_the_screen(call_code: CallCode, capfd: pytest.CaptureFixture[str]) -> None:
    lines = [
        "print('one\\ntwo')",
        "print('err', file=sys.stderr)",
        "logging.getLogger().info('quiet')",
        "logging.getLogger('x').warning('loud %s', 1)",
        "sys.stdout.write('rest')",
    ]
    result = call_code(handler(*lines))
    assert [line.text for line in result.logs[:3]] == ["one", "two", "err"]
    assert result.logs[3].text.startswith("[WARNING]\t2026-01-01T00:00:00.000Z\t")
    assert result.logs[3].text.endswith("\tloud 1")
    assert [line.text for line in result.logs[4:]] == ["rest"]
    assert {(line.state, line.time) for line in result.logs} == {("Call0", "2026-01-01T00:00:00.000Z")}
    assert capfd.readouterr() == ("", "")


def test_a_function_is_warm_for_its_second_call(call_code: CallCode) -> None:
    files = {
        "handler.py": "import common\nprint('cold')\ndef handler(e, c):\n    common.N += 1\n    return common.N",
        "common.py": "N = 0",
    }
    result = call_code(files, calls=3)
    assert (result.output, [line.text for line in result.logs]) == (3, ["cold"])
    assert call_code(files).output == 1


def test_a_handlers_log_level_lasts_while_it_is_warm_and_no_longer(call_code: CallCode) -> None:
    level = logging.getLogger().level
    result = call_code(handler("logging.info('info')", "logging.getLogger().setLevel(logging.INFO)"), calls=2)
    assert [line.text.rpartition("\t")[2] for line in result.logs] == ["info"]
    assert logging.getLogger().level == level


def test_a_function_that_died_starts_cold(call_code: CallCode, bundle: Callable[..., Bundle]) -> None:
    files = {"handler.py": "import sys\nN = []\ndef handler(e, c):\n    N.append(1)\n    sys.exit(len(N))"}
    for _ in range(2):
        assert "exit status 1" in str(call_code(files).cause)


def test_functions_do_not_see_each_others_modules(
    tmp_path: Path, bundle: Callable[..., Bundle], functions: Any, function_need: Callable[..., Any]
) -> None:
    states: dict[str, Any] = {}
    needs, holes = [], []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "handler.py").write_text(
            "from common import NAME\ndef handler(e, c):\n    import late\n    return [NAME, late.X]"
        )
        (folder / "common.py").write_text(f"NAME = {name!r}")
        (folder / "late.py").write_text(f"X = {name!r}")
        needs.append(function_need(folder, id=f"function-{name}"))
        holes.append(Hole(f"function-{name}", "arn"))
        for turn in ("1", "2"):
            states[f"{name}{turn}"] = {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": f"${{function_{name}_arn}}"},
                "Output": "{% $append($states.input, $states.result.Payload) %}",
            }
    order = ["one1", "two1", "one2", "two2"]
    for state, following in zip(order, [*order[1:], None], strict=True):
        states[state].update({"End": True} if following is None else {"Next": following})
    result = run(
        bundle({name: states[name] for name in order}, needs=needs, holes=holes), [], integrations=(functions,)
    )
    assert result.output == ["one", "one", "two", "two", "one", "one", "two", "two"]


@pytest.mark.parametrize("line", ["return 1", "raise ValueError", "sys.exit(1)", "time.sleep(99)"])
def test_the_process_is_as_before(call_code: CallCode, tmp_path: Path, line: str) -> None:
    import email as shadowed

    handlers = logging.getLogger().handlers[:]
    before = (dict(os.environ), list(sys.path), set(sys.modules), sys.stdout, time.sleep, sys.dont_write_bytecode)
    call_code({**handler("import own", line), "own.py": "", "handler2.py": ""})
    modules = {name for name in set(sys.modules) - before[2] if name in ("handler", "own")}
    after = (dict(os.environ), list(sys.path), before[2] | modules, sys.stdout, time.sleep, sys.dont_write_bytecode)
    assert after == before
    assert sys.modules["email"] is shadowed
    assert logging.getLogger().handlers == handlers
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_module_of_the_process_with_the_same_name_is_put_back(
    call_code: CallCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = type(sys)("common")
    monkeypatch.setitem(sys.modules, "common", mine)
    assert (
        call_code({"handler.py": "import common\ndef handler(e, c): return common.X", "common.py": "X = 5"}).output == 5
    )
    assert sys.modules["common"] is mine


def invoking(function: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function},
        "End": True,
    }


def test_code_that_is_in_aws_only_says_the_way_out(
    call_code: CallCode, bundle: Callable[..., Bundle], functions: Any, function_need: Any
) -> None:
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:legacy"
    need = function_need(None, arn=Text((arn,)))
    flow = bundle({"Legacy": invoking("${function_f_arn}")}, needs=[need], holes=[Hole("function-f", "arn")])
    with pytest.raises(LocalRunError, match=rf"step legacy calls {arn}, .*\{{at: legacy, returns: ...\}}"):
        run(flow, None, integrations=(functions,))
    assert run(flow, None, integrations=(functions,), outside=[{"at": "legacy", "returns": 1}]).output["Payload"] == 1


def test_an_image_has_no_code_here(bundle: Callable[..., Bundle], functions: Any, function_need: Any) -> None:
    image = Text((Hole("aws", "account"), ".dkr.ecr.", Hole("aws", "region"), ".amazonaws.com/shop:1"))
    need = function_need(None, image=image, handler="app.run")
    flow = bundle({"Shop": invoking("${function_f_arn}")}, needs=[need], holes=[Hole("function-f", "arn")])
    told = r"step shop runs the image 123456789012\.dkr\.ecr\.us-east-1\.amazonaws\.com/shop:1, .*\{at: shop, returns: ...\}"
    with pytest.raises(LocalRunError, match=told):
        run(flow, None, integrations=(functions,))
    assert run(flow, None, integrations=(functions,), outside=[{"at": "shop", "returns": 1}]).output["Payload"] == 1


@pytest.mark.parametrize("version", ["", ":live"])
def test_a_function_and_its_alias_are_told_apart(
    bundle: Callable[..., Bundle], functions: Any, function_need: Any, tmp_path: Path, version: str
) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:price"
    (tmp_path / "handler.py").write_text("def handler(event, context): return 'code'\n")
    needs = [
        function_need(tmp_path, arn=Text((arn,)), name="price"),
        function_need(None, id="function-price-live", arn=Text((f"{arn}:live",))),
    ]
    if version:
        with pytest.raises(LocalRunError, match="price:live, whose code is not on this machine"):
            run(bundle({"A": invoking(arn + version)}, needs=needs), None, integrations=(functions,))
    else:
        assert (
            run(bundle({"A": invoking(arn + version)}, needs=needs), None, integrations=(functions,)).output["Payload"]
            == "code"
        )


def test_an_unknown_function(bundle: Callable[..., Bundle], functions: Any) -> None:
    result = run(bundle({"A": invoking("nope")}), None, integrations=(functions,))
    assert result.error == "Lambda.ResourceNotFoundException"
    assert "Function not found: nope (Service: AWSLambda; Status Code: 404;" in str(result.cause)


def test_an_api_that_moto_has_not_is_told_as_such(call_code: CallCode) -> None:
    lines = [
        "import boto3",
        "boto3.client('ce').get_dimension_values(TimePeriod={'Start': '2026-01-01', 'End': '2026-01-02'}, Dimension='AZ')",
    ]
    with pytest.raises(LocalRunError, match=r"the code of call0 calls .* \{at: call0, returns: ...\}"):
        call_code(handler(*lines))


def test_a_broken_zip(call_code: CallCode, tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_text("no zip")
    with pytest.raises(LocalRunError, match=r"broken\.zip is neither a folder nor a zip"):
        call_code(path)

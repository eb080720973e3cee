"""Containers on this machine: a ``ContainerNeed`` becomes the code behind an ARN, and ``ecs:runTask.sync`` a process of
its own, which runs the very runner that a container runs.

The process reaches the run's AWS over a loopback port (moto's server, which shares everything with the run) and has the
variables that the container would have, and no other. Its time is that of the run; what it prints goes to the run's log.
What it sends and writes is told to the run when it has ended. What differs from ECS: the process has the packages and the
rights of this Python, and starts at once.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.integrations.containers.needs import ContainerNeed
from stepworkflows_cdk.local import child, observers, outgoing
from stepworkflows_cdk.local.code_lines import code_line
from stepworkflows_cdk.local.errors import StateFailed, TaskFailed
from stepworkflows_cdk.local.handlers import KEPT, code_folder
from stepworkflows_cdk.local.surroundings import CREDENTIALS, optional
from stepworkflows_cdk.local.told import hear
from stepworkflows_cdk.local.world import ACCOUNT, PARTITION, World

__all__ = ["answer", "perform", "realise"]

_NEEDS, _FOLDERS, _SERVER = "containers:needs", "containers:folders", "containers:server"
_RUNNER = Path(__file__).parent / "runner" / "stepworkflows_runner.py"
_PATIENCE = 30
"""Seconds of real time by which a process may outlast its own time-out before it is killed."""


def realise(need: ContainerNeed, world: World) -> Mapping[str, str]:
    """Gives the task definition its ARN, and what is around it names."""
    world.store.setdefault(_NEEDS, {})[need.id] = need
    return {
        "arn": world.arn("ecs", f"task-definition/{need.id}:1"),
        "family": need.id,
        "task_role_arn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/{need.id}",
        "execution_role_arn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/{need.id}-start",
        "subnets": "subnet-1,subnet-2",
        "security_group": "sg-1",
        "public_ip": "ENABLED" if need.launch == "FARGATE" else "DISABLED",
    }


def answer(value: Any, arguments: Any, world: World) -> Any:
    """As if the code had given ``value``."""
    _, variables = _asked(arguments, world)
    world.client("dynamodb").update_item(
        TableName=variables["STEPWORKFLOWS_TABLE"],
        Key={"key": {"S": variables["STEPWORKFLOWS_KEY"]}},
        UpdateExpression="SET #written = :written REMOVE #inputs",
        ExpressionAttributeNames={"#written": "result", "#inputs": "inputs"},
        ExpressionAttributeValues={":written": {"S": json.dumps(value)}},
    )
    return _task(0)


def perform(arguments: Any, world: World) -> Any:
    """Runs the container to its end: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html."""
    need, variables = _asked(arguments, world)
    if need.code is None:
        step = world.call.step if world.call is not None else need.id
        raise LocalRunError(
            f"step {step} runs an image, and no image is run on this machine; say what it gives: "
            f"{{at: {step}, returns: ...}}"
        )
    status = _process(need, need.code, variables, world)
    task = _task(status)
    if status != 0:
        said = json.dumps(task)
        meant = _written(variables, world) or ("Container.Exited", said)
        raise TaskFailed("States.TaskFailed", said, meant, code_line(meant[1], need.code, world))
    return task


def _written(variables: Mapping[str, str], world: World) -> tuple[str, str] | None:
    """The error that the runner has written, if it could, and that the machine reads next."""
    found = world.client("dynamodb").get_item(
        TableName=variables["STEPWORKFLOWS_TABLE"], Key={"key": {"S": variables["STEPWORKFLOWS_KEY"]}}
    )
    if "error" not in found.get("Item", {}):
        return None
    written = json.loads(found["Item"]["error"]["S"])
    return written["type"], written["cause"]


def _asked(arguments: Any, world: World) -> tuple[ContainerNeed, dict[str, str]]:
    """The container that is to run, and its variables."""
    needs: Mapping[str, ContainerNeed] = world.store.get(_NEEDS, {})
    need = needs.get(str(arguments.get("TaskDefinition")))
    if need is None:
        raise TaskFailed("ECS.ClientException", "Unable to find task definition (Service: AmazonECS; Status Code: 400)")
    (overrides,) = arguments["Overrides"]["ContainerOverrides"]
    return need, {each["Name"]: each["Value"] for each in overrides["Environment"]}


def _task(status: int) -> dict[str, Any]:
    """What ECS tells of the task at its end, as far as it is the same each time."""
    return {
        "Containers": [{"ExitCode": status, "Name": "code"}],
        "StopCode": "EssentialContainerExited",
        "StoppedReason": "Essential container in task exited",
    }


def _process(need: ContainerNeed, code: Path, given: Mapping[str, str], world: World) -> int:
    folders: dict[str, Path] = world.store.setdefault(_FOLDERS, {})
    if need.id not in folders:
        folders[need.id] = code_folder(code, world)
    folder, passing = folders[need.id], world.folder()
    slept, told = passing / "slept", passing / "told"
    variables = {
        **{kept: os.environ[kept] for kept in KEPT if kept in os.environ},
        **CREDENTIALS,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": _server(world),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "TZ": ":UTC",
        "STEPWORKFLOWS_CODE": str(folder),
        "STEPWORKFLOWS_HANDLER": need.handler,
        "STEPWORKFLOWS_SEEN": ",".join(map(".".join, (*observers.OBSERVED, *outgoing.OBSERVED))),
        "STEPWORKFLOWS_TOLD": str(told),
        **given,
    }
    if world.clock.virtual:
        now = world.clock.now().timestamp()
        variables |= {"STEPWORKFLOWS_NOW": str(now), "STEPWORKFLOWS_SLEPT": str(slept)}
    command = [sys.executable, "-P", child.__file__, str(_RUNNER)]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            printed, _ = process.communicate(timeout=float(given["STEPWORKFLOWS_TIMEOUT"]) + _PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise StateFailed("States.Timeout") from error
        finally:
            process.kill()
    world.log(printed.replace(str(folder), "/var/task"))
    if slept.exists():
        world.clock.sleep(float(slept.read_text("ascii")))
    hear(told, world.session)
    # By the shell's rule, as ECS has it: a process that a signal ended gives 128 and the signal's number.
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _server(world: World) -> str:
    """The address of the run's AWS, for other processes; it is there from the first container on."""
    if _SERVER not in world.store:
        server = optional("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        requests = logging.getLogger("werkzeug")
        world.ends.callback(requests.setLevel, requests.level)
        requests.setLevel(logging.ERROR)
        server.start()
        # It takes half a second to stop, which nobody has to wait for: whoever could ask it something has ended.
        world.ends.callback(threading.Thread(target=server.stop).start)
        host, port = server.get_host_and_port()
        world.store[_SERVER] = f"http://{host}:{port}"
    address: str = world.store[_SERVER]
    return address

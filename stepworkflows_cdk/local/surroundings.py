"""The process around a run: AWS replaced by moto, no credentials, no network; all as before when it ends.

Only public means are used: ``mock_aws``, moto's documented seed for its identifiers, boto3's default session and the
functions of ``socket``.
"""

from __future__ import annotations

import importlib
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.local.offline import no_network
from stepworkflows_cdk.local.world import ACCOUNT, REGION

__all__ = ["CREDENTIALS", "environment", "optional", "surroundings"]

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
}
_SETTINGS = {
    **CREDENTIALS,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
    "MOTO_ACCOUNT_ID": ACCOUNT,
}


def optional(module: str) -> Any:
    """A module of the extra ``local``, imported now."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise LocalRunError(
            f"a run on this machine needs {error.name}: pip install 'stepworkflows-cdk[local]'"
        ) from error


@contextmanager
def surroundings(seed: int) -> Iterator[Any]:
    """Gives the boto3 session of the run, which is also boto3's default session meanwhile."""
    boto3, moto, requests = optional("boto3"), optional("moto"), optional("requests")
    from stepworkflows_cdk.local.models import session

    settings = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BOTO_", "MOTO_"))}
    default, state = boto3.DEFAULT_SESSION, random.getstate()
    with ExitStack() as stack:
        stack.enter_context(environment({**settings, **_SETTINGS}))
        stack.enter_context(moto.mock_aws())
        stack.callback(setattr, boto3, "DEFAULT_SESSION", default)
        stack.callback(random.setstate, state)
        stack.enter_context(no_network())
        random.seed(seed)
        requests.post(f"http://motoapi.amazonaws.com/moto-api/seed?a={seed}", timeout=5)
        boto3.setup_default_session(
            botocore_session=session(),
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            aws_session_token="testing",
            region_name=REGION,
        )
        yield boto3.DEFAULT_SESSION


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Has ``variables`` as the process's only environment variables for a while."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

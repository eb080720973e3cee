"""The order flow's step code as Lambda loads it, with its folder first on the path, and the shop in moto."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from moto import mock_aws
from shop_in_moto import Shop, open_shop

Load = Callable[[str, str], ModuleType]


@pytest.fixture(scope="session")
def order_flow(repository: Path) -> Path:
    return repository / "lambdas" / "order_flow"


@pytest.fixture
def load(order_flow: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads a module of a step's folder; all modules of step code are forgotten afterwards, as in a cold start."""

    def load_module(folder: str, module: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(order_flow / folder))
        return importlib.import_module(module)

    yield load_module
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and Path(path).is_relative_to(order_flow):
            del sys.modules[name]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Empty tables, the payment key, and the environment variables that the handlers of ``payment`` read."""
    with mock_aws():
        opened = open_shop()
        monkeypatch.setenv("ACCOUNTS", "accounts")
        monkeypatch.setenv("PAYMENTS", "payments")
        monkeypatch.setenv("PAYMENT_KEY", opened.key_arn)
        yield opened

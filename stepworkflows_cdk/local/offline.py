"""A process without a network: connections to other machines are refused, while the context lasts.

It imports the standard library alone, since the processes of containers load it by its path.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["no_network"]


@contextmanager
def no_network() -> Iterator[None]:
    """Refuses all connections to other machines. moto answers before a socket is opened."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse(self.family, address)
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *rest: Any, **named: Any) -> Any:
        if host is not None and not _here(host):
            _refuse(socket.AF_INET, (host, rest[0] if rest else None))
        return resolve(host, *rest, **named)

    patched: Any = socket
    inherited = {name: name in vars(socket.socket) for name in ("connect", "connect_ex")}
    patched.socket.connect, patched.socket.connect_ex = guarded_connect, guarded_connect_ex
    patched.getaddrinfo = guarded_resolve
    try:
        yield
    finally:
        patched.getaddrinfo = resolve
        for name, method in (("connect", connect), ("connect_ex", connect_ex)):
            if inherited[name]:
                setattr(socket.socket, name, method)
            else:
                delattr(socket.socket, name)


def _refuse(family: int, address: Any) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and not _here(address[0]):
        raise ConnectionRefusedError(
            f"no network in a run on this machine: {address[0]}:{address[1]} was not called; "
            "give {at: step-id, returns: ...} for the step that calls it"
        )


def _here(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in ("localhost", "")

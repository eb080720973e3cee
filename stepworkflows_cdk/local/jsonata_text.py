"""Values of JSONata as text, for ``$string`` and ``&``: as JavaScript writes JSON, with numbers of 15 digits.

https://docs.jsonata.org/string-functions#string
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

__all__ = ["text_writer"]


def text_writer(library: Any) -> Callable[[Any, bool], str]:
    """What writes a value of the library, with line breaks or without."""
    null = library.Utils.NULL_VALUE

    def plain(value: Any) -> Any:
        match value:
            case None | bool() | str():
                return value
            case int() | float():
                return _rounded(value)
            case dict():
                return {str(key): plain(item) for key, item in value.items()}
            case list():
                return [plain(value[index]) for index in range(len(value))]
            case _:
                return None if value is null else ""  # a function

    def text(value: Any, prettify: bool) -> str:
        found = plain(value)
        if isinstance(found, str):
            return found
        if prettify:
            return json.dumps(found, ensure_ascii=False, indent=2)
        written = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        return re.sub(r"e([+-])0+", r"e\1", written) if isinstance(found, float) else written

    return text


def _rounded(value: int | float) -> int | float:
    number = float(f"{value:.15g}")
    return int(number) if number.is_integer() and abs(number) < 1e21 else number

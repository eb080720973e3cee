"""What looks like a credential: never echoed, and no part of a document."""

from __future__ import annotations

import re

__all__ = ["CREDENTIAL", "TELLING", "credential_in", "is_credential"]

_UNMISTAKABLE = (
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"  # an access key's id
    r"|\b(?:gh[opsur]_|github_pat_|glpat-|xox[abeprs]-|[rsp]k_(?:live|test)_|whsec_|npm_|SG\.|AIza)[\w.-]{10,}"
    r"|\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"  # a JSON web token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|(?<=://)[^\s/:@{}]+:[^\s/@{}]+(?=@)"  # a user and a password in an address
)
_LIKELY = (
    # the length and alphabet of a secret access key
    r"(?<![A-Za-z0-9/+=])(?=[A-Za-z/+]{0,39}[0-9])(?=[a-z0-9/+]{0,39}[A-Z])(?=[A-Z0-9/+]{0,39}[a-z])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"
    r"|(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
)
CREDENTIAL = re.compile(f"{_UNMISTAKABLE}|{_LIKELY}")
"""What is masked wherever it is shown; also texts that may be none."""
TELLING = r"(?:pass(?:word|wd|phrase)?|pw|pwd|secret|token|credentials?|authorization|cookie|(?:api|access|private|secret)[_-]?key)"
"""What names of credentials have in them."""

_SURELY = re.compile(_UNMISTAKABLE)
_NAMES_ONE = re.compile(rf"(?:\A|[_-]){TELLING}\Z", re.IGNORECASE)
# A switch, a number, or something that says where the credential is.
_HARMLESS = re.compile(r"(?:true|false|\d*|arn:.*|https?://.*)\Z", re.IGNORECASE)


def credential_in(text: str) -> bool:
    """Whether a text anywhere in a document has something in it that is a credential and nothing else."""
    return bool(_SURELY.search(text))


def is_credential(name: str, value: str) -> bool:
    """Whether a value that is written out under the name of a variable or a header is one, as far as anybody can tell."""
    if CREDENTIAL.search(value):
        return True
    return bool(_NAMES_ONE.search(name)) and not _HARMLESS.match(value)

"""Steps are meant by their ids; where several flows have one, by the flow's as well."""

from __future__ import annotations

import pytest

from stepworkflows_cdk.language.ids import WrongId, meant, shown

KNOWN = [("shop", ""), ("shop", "charge"), ("shop", "ship"), ("post", ""), ("post", "ship"), ("shop", "post")]


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("charge", ("shop", "charge")),
        ("shop/charge", ("shop", "charge")),
        ("post/ship", ("post", "ship")),
        ("shop", ("shop", "")),
        ("post/", ("post", "")),
        ("shop/post", ("shop", "post")),
    ],
)
def test_an_id_that_only_one_step_has_is_enough(written: str, id_: tuple[str, str]) -> None:
    assert meant(written, KNOWN) == id_
    assert id_ in shown(KNOWN).values()


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("ship", "'ship' is several steps; write `shop/ship` or `post/ship`"),
        ("post", "'post' is several steps; write `post/` or `shop/post`"),
        ("chrge", "no step has the id 'chrge'; did you mean `charge`?"),
        ("post/charge", "no step has the id 'post/charge'; did you mean"),
        ("x", "no step has the id 'x'; there are charge, post/, post/ship, shop, shop/post, shop/ship"),
    ],
)
def test_what_means_none_or_several_is_told(written: str, says: str) -> None:
    with pytest.raises(WrongId) as raised:
        meant(written, KNOWN)
    assert says in str(raised.value)

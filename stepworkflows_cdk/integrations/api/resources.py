"""``resources: {users: {type: user-pool}}`` and ``{gate: {type: function}}``: who says who is calling. Both are the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.api.needs import AuthorizerNeed, UserPoolNeed
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import Keys

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["Authorizers", "FunctionKeys", "UserPoolKeys"]


class UserPoolKeys(Keys):
    """A Cognito user pool of yours: pass it as `resources={"users": user_pool}`. None is created."""


class FunctionKeys(Keys):
    """A Lambda function of yours that authorises callers of an API: pass it as `resources={"gate": function}`. It is asked for
    each request, with the header `Authorization`.
    """


class Authorizers(Integration):
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html."""

    resource_types = {"user-pool": UserPoolKeys, "function": FunctionKeys}
    needs = (UserPoolNeed, AuthorizerNeed)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        if type_ == "user-pool":
            return UserPoolNeed(id=need_id("user-pool", name), mark=mark, name=name)
        return AuthorizerNeed(id=need_id("authorizer", name), mark=mark, name=name)

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "id" if isinstance(need, UserPoolNeed) else "arn"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.api.cdk import bind_authorizer, bind_user_pool

        if isinstance(need, UserPoolNeed):
            return bind_user_pool(need, given)
        assert isinstance(need, AuthorizerNeed)
        return bind_authorizer(need, given)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        if isinstance(need, UserPoolNeed):
            return {"id": need.id, "arn": world.arn("cognito-idp", f"userpool/{need.id}")}
        return {"arn": world.arn("lambda", f"function:{need.id}")}

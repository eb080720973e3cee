"""An API need becomes a path of the stack's API, with its authorizer, its model and its methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.acknowledgements import acknowledge
from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.api.needs import AnswerPathNeed, ApiNeed, AuthorizerNeed, UserPoolNeed

__all__ = ["bind_address", "bind_answers", "bind_api", "bind_authorizer", "bind_user_pool", "make_api"]

_STAGE = "live"
_HEADERS = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256")
"""What pages send, those that sign their requests for IAM among them:
https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html"""
_RATE, _BURST = 100, 200
"""What a method takes that says nothing else, requests a second and at once."""
_KEPT = 300
"""Seconds for which a token that was looked at is not looked at again. When it expires, the front door sees."""
_TOKEN = r"^[Bb]earer [-_A-Za-z0-9]+\.[-_A-Za-z0-9]+\.[-_A-Za-z0-9]+$"
"""What else is no token, and answered 401 without asking."""
_LOGGED = {
    "request": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "path": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "milliseconds": "$context.responseLatency",
    "bytes": "$context.responseLength",
}
"""No bodies, no names of executions, nobody's address:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html"""


def bind_api(scope: Construct, need: ApiNeed, bindings: Bindings) -> Bound:
    """Attributes: none. The construct is the API, whose stage a caller can set a firewall before."""
    api = make_api(scope)
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
    collection = api.root.resource_for_path(need.path)
    if collection.node.try_find_child("POST") is not None:
        raise ConfigurationError(f"{need.mark}: another flow of this stack has the path {need.path}; choose another")
    one = collection.get_resource("{id}") or collection.add_resource("{id}")
    front_door = _front_door(role, bindings[need.function].attributes["arn"])
    if need.auth == "jwt":
        _check_way_out(scope, need, bindings)
    who = _who(scope, need, role, bindings)
    checked: dict[str, Any] = {
        "request_models": _models(scope, need, api),
        "request_validator": _validator(api),
    }
    methods = [collection.add_method("POST", front_door, **checked, **who)]
    methods += [one.add_method(verb, front_door, **who) for verb in ("GET", *(["DELETE"] if need.cancel else []))]
    for method in methods:
        if need.auth != "cognito":
            acknowledge(method, "api-callers")
    paths = {method.http_method: need.path if method is methods[0] else f"{need.path}/{{id}}" for method in methods}
    _throttle(api, paths, need.rate, need.burst)
    for resource, verbs in ((collection, ["POST"]), (one, [method.http_method for method in methods[1:]])):
        if need.cors:
            resource.add_cors_preflight(
                allow_origins=list(need.cors), allow_methods=verbs, allow_headers=list(_HEADERS)
            )
    if need.cors:
        _tell_origin(api, need)
    return Bound(construct=api, attributes={}, role=role)


def bind_answers(scope: Construct, need: AnswerPathNeed, bindings: Bindings) -> Bound:
    """Attributes: none. The function is given whatever comes; only it knows what can be an answer."""
    api = make_api(scope)
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
    resource = api.root.resource_for_path(need.path)
    front_door = _front_door(role, bindings[need.function].attributes["arn"])
    who: dict[str, Any] = {"authorization_type": apigateway.AuthorizationType.NONE}
    if need.auth != "open":
        who = _who(scope, need, role, bindings)
    for verb in need.methods:
        if resource.node.try_find_child(verb) is not None:
            raise ConfigurationError(
                f"{need.mark}: something else in this stack has {verb} {need.path}; choose another"
            )
        method = resource.add_method(verb, front_door, request_validator=_validator(api), **who)
        if need.auth == "open":
            acknowledge(method, "api-open")
            acknowledge(method, "api-open-users")
        elif need.auth != "cognito":
            acknowledge(method, "api-callers")
    _throttle(api, dict.fromkeys(need.methods, need.path), need.rate, need.burst)
    return Bound(construct=api, attributes={}, role=role)


def bind_address(scope: Construct) -> Bound:
    """Attributes: ``url``. Its stage is called by its name as it is written: by a reference it would stand behind all functions."""
    api = make_api(scope)
    stage = cast(apigateway.CfnStage, api.deployment_stage.node.default_child).stage_name
    return Bound(
        construct=api,
        attributes={"url": f"https://{api.rest_api_id}.execute-api.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}/{stage}"},
    )


def bind_user_pool(need: UserPoolNeed, given: object | None) -> Bound:
    """Attributes: ``id`` and ``arn``."""
    if not (hasattr(given, "user_pool_id") and hasattr(given, "user_pool_arn")):
        raise ConfigurationError(_wanted(need.name, "user pool", "a cognito.IUserPool", given))
    pool = cast(cognito.IUserPool, given)
    return Bound(construct=pool, attributes={"id": pool.user_pool_id, "arn": pool.user_pool_arn})


def bind_authorizer(need: AuthorizerNeed, given: object | None) -> Bound:
    """Attributes: ``arn``."""
    if not hasattr(given, "function_arn"):
        raise ConfigurationError(_wanted(need.name, "function", "a lambda.IFunction", given))
    function = cast(lambda_.IFunction, given)
    return Bound(construct=function, attributes={"arn": function.function_arn})


def make_api(scope: Construct) -> apigateway.RestApi:
    """The API of the stack, which all flows in it share: the caller's own, else one stage, logged, traced, throttled."""
    own = sharing.given(scope, "Api")
    return cast(apigateway.RestApi, own) if own is not None else sharing.once(scope, "Api", _api)


def _wanted(name: str, what: str, type_: str, given: object | None) -> str:
    if given is None:
        return f"resources: {name!r} is a {what} of yours, and none is created; pass {type_}"
    return f"resources: {name!r} is a {what}; pass {type_}, not {type(given).__name__}"


def _api(shared: Construct) -> apigateway.RestApi:
    log_group = sharing.log_group(shared, "ApiLogs")
    api = apigateway.RestApi(
        shared,
        "Api",
        rest_api_name=cdk.Aws.STACK_NAME,
        endpoint_types=[apigateway.EndpointType.REGIONAL],
        cloud_watch_role=False,
        deploy_options=apigateway.StageOptions(
            stage_name=_STAGE,
            access_log_destination=apigateway.LogGroupLogDestination(log_group),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_LOGGED)),
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            metrics_enabled=True,
            tracing_enabled=True,
            throttling_rate_limit=_RATE,
            throttling_burst_limit=_BURST,
        ),
    )
    stage = api.deployment_stage
    stage.node.add_dependency(_account(shared))
    for row in ("api-firewall", "api-cache", "api-certificate"):
        acknowledge(stage, row)
    return api


def _account(shared: Construct) -> apigateway.CfnAccount:
    """The account's role for the logs of API Gateway, without which no stage has logs. There is one a region, so it stays when
    the stack goes: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    logger = iam.Role(
        shared,
        "ApiLogger",
        assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
        managed_policies=[
            iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonAPIGatewayPushToCloudWatchLogs")
        ],
    )
    logger.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    acknowledge(logger, "api-logs")
    account = apigateway.CfnAccount(shared, "ApiAccount", cloud_watch_role_arn=logger.role_arn)
    account.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    return account


def _validator(api: apigateway.RestApi) -> apigateway.IRequestValidator:
    found = api.node.try_find_child("StepWorkflowsValidator")
    if found is not None:
        return cast(apigateway.IRequestValidator, found)
    return api.add_request_validator(
        "StepWorkflowsValidator", validate_request_body=True, validate_request_parameters=True
    )


def _front_door(role: iam.IRole, function_arn: str) -> apigateway.Integration:
    """Called with a role: the function's policy would have to name each method."""
    stack = f"arn:{cdk.Aws.PARTITION}:apigateway:{cdk.Aws.REGION}"
    return apigateway.Integration(
        type=apigateway.IntegrationType.AWS_PROXY,
        integration_http_method="POST",
        uri=f"{stack}:lambda:path/2015-03-31/functions/{function_arn}/invocations",
        options=apigateway.IntegrationOptions(credentials_role=role),
    )


def _who(scope: Construct, need: ApiNeed | AnswerPathNeed, role: iam.Role, bindings: Bindings) -> dict[str, Any]:
    """What each method says about who may call it."""
    if need.authorizer is None:
        return {"authorization_type": apigateway.AuthorizationType.IAM}
    found: IConstruct = bindings[need.authorizer].construct
    if need.auth == "cognito":
        pools = [cast(cognito.IUserPool, found)]
        authorizer = apigateway.CognitoUserPoolsAuthorizer(scope, "Authorizer", cognito_user_pools=pools)
        return {"authorizer": authorizer, "authorization_type": apigateway.AuthorizationType.COGNITO}
    asked = apigateway.TokenAuthorizer(
        scope,
        "Authorizer",
        handler=cast(lambda_.IFunction, found),
        # The role's permissions are grants of the plan.
        assume_role=role.without_policy_updates(),
        # Of a function of the caller's, an answer that is kept would hold for other paths as well.
        results_cache_ttl=cdk.Duration.seconds(_KEPT if need.auth == "jwt" else 0),
        validation_regex=_TOKEN if need.auth == "jwt" else None,
    )
    return {"authorizer": asked, "authorization_type": apigateway.AuthorizationType.CUSTOM}


def _check_way_out(scope: Construct, need: ApiNeed, bindings: Bindings) -> None:
    """The function that reads tokens asks their issuer for keys, which a network without a way out would not let it."""
    assert need.authorizer
    if bindings[need.authorizer].in_network and sharing.given(scope, "Network") is None:
        raise ConfigurationError(
            f"{need.mark}: with this profile functions run in a network without a way to the Internet, and the keys of a "
            "token's issuer are there; pass a network with a way to it, WorkflowSpace(network=...), or use `auth: cognito`"
        )


def _models(scope: Construct, need: ApiNeed, api: apigateway.RestApi) -> dict[str, apigateway.IModel]:
    """The model of the body, whatever type a request says that it has.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-apigateway-method.html
    """
    schema = json.loads(need.schema)
    model = apigateway.CfnModel(
        scope, "Model", rest_api_id=api.rest_api_id, content_type="application/json", schema=schema
    )
    deployment = api.latest_deployment
    assert deployment is not None
    # What a stage serves is a copy, made when its deployment gets another id.
    deployment.node.add_dependency(model)
    deployment.add_to_logical_id({need.path: need.schema})
    found = apigateway.Model.from_model_name(scope, "Input", model.ref)
    return {"application/json": found, "$default": found}


def _tell_origin(api: apigateway.RestApi, need: ApiNeed) -> None:
    """Lets pages read what the gateway itself answers, such as 401 or 429, where the whole API has a single origin: such an
    answer is the same for all paths and origins, and a header names one.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    """
    deployment = api.latest_deployment
    assert deployment is not None
    wanted = {"gatewayresponse.header.Access-Control-Allow-Origin": f"'{need.cors[0]}'"} if len(need.cors) == 1 else {}
    for response_type in ("DEFAULT_4XX", "DEFAULT_5XX"):
        found = cast(apigateway.CfnGatewayResponse | None, api.node.try_find_child(response_type))
        if found is None:
            found = apigateway.CfnGatewayResponse(
                api, response_type, rest_api_id=api.rest_api_id, response_type=response_type, response_parameters=wanted
            )
            deployment.node.add_dependency(found)
        elif found.response_parameters != wanted:
            # Paths that disagree: none is told, whichever comes first.
            found.response_parameters = {}
    deployment.add_to_logical_id({need.path: list(need.cors)})


def _throttle(api: apigateway.RestApi, paths: Mapping[str, str], rate: int, burst: int) -> None:
    """What each method takes, of the path that it is for."""
    stage = cast(apigateway.CfnStage, api.deployment_stage.node.default_child)
    settings = cast(list[Any], stage.method_settings or [])
    for verb, path in paths.items():
        settings.append(
            apigateway.CfnStage.MethodSettingProperty(
                http_method=verb,
                # https://docs.aws.amazon.com/apigateway/latest/api/API_MethodSetting.html
                resource_path=f"/{path.replace('/', '~1')}",
                throttling_rate_limit=rate,
                throttling_burst_limit=burst,
                logging_level="ERROR",
                data_trace_enabled=False,
                metrics_enabled=True,
            )
        )
    stage.method_settings = settings

"""The context that a Lambda function receives.

In Lambda the variables that the text fields are read from are always set.
"""

from typing import Any

class LambdaContext:
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    function_name: str
    memory_limit_in_mb: str
    function_version: str
    invoked_function_arn: str
    tenant_id: str | None
    client_context: ClientContext | None
    identity: CognitoIdentity

    def __init__(
        self,
        invoke_id: str,
        client_context: dict[str, Any] | None,
        cognito_identity: dict[str, str] | None,
        epoch_deadline_time_in_ms: int,
        invoked_function_arn: str | None = None,
        tenant_id: str | None = None,
    ) -> None: ...
    def get_remaining_time_in_millis(self) -> int: ...
    def log(self, msg: object) -> None: ...

class CognitoIdentity:
    cognito_identity_id: str | None
    cognito_identity_pool_id: str | None

class Client:
    installation_id: str
    app_title: str
    app_version_name: str
    app_version_code: str
    app_package_name: str

class ClientContext:
    custom: dict[str, Any]
    env: dict[str, Any]
    client: Client

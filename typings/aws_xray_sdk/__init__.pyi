"""AWS's X-Ray SDK, as far as the tests and examples use it."""

class SDKConfig:
    @classmethod
    def sdk_enabled(cls) -> bool: ...
    @classmethod
    def set_sdk_enabled(cls, value: bool) -> None: ...

global_sdk_config: SDKConfig

"""Every test runs with the package under beartype, and Hypothesis as quick or as thorough as the profile says.

`pytest --hypothesis-profile=long` searches ten times as far.
"""

import sys

from beartype import BeartypeConf
from beartype.claw import beartype_package
from hypothesis import HealthCheck, settings

# beartype 0.23 does not read `Unpack` of a generic TypedDict, which is how the entry points take their options. These
# two modules hold nothing but the entry points, and what they call is checked.
_UNREADABLE = ("batchfold.shell.process",)

# These make functions inside functions for every batch. beartype compiles a checker for each of them anew, 2 ms a time,
# which would make most of the time that the tests take.
_COMPILED_FOR_EVERY_BATCH = (
    "batchfold.core.fold",
    "batchfold.core.chunks",
    "batchfold.shell.lambda_handler",
    "batchfold.shell.failure_log",
    "batchfold.sources.windows",
)

# From Python 3.13 on, beartype 0.23 takes the default of a type parameter for its bound, and so refuses every payload
# that is not of the form in which it was delivered. On 3.11, which the test command runs on, these are checked.
_TYPED = ("sqs", "kinesis", "dynamodb", "kafka", "firehose", "table_changes", "windows")
_SOURCES = tuple(f"batchfold.sources.{name}" for name in _TYPED)
_DEFAULT_TAKEN_FOR_BOUND = _SOURCES if sys.version_info >= (3, 13) else ()

# From Python 3.12 on, the frames of a traceback lead to those of their callers. beartype's keep what a coroutine returned,
# so a failure would hold itself.
_KEPT_BY_THEIR_CHECKERS = ("batchfold.shell.side_by_side",) if sys.version_info >= (3, 12) else ()

beartype_package(
    "batchfold",
    conf=BeartypeConf(
        claw_skip_package_names=(
            *_UNREADABLE,
            *_COMPILED_FOR_EVERY_BATCH,
            *_DEFAULT_TAKEN_FOR_BOUND,
            *_KEPT_BY_THEIR_CHECKERS,
        ),
        is_pep484_tower=True,
    ),
)

settings.register_profile(
    "quick", deadline=None, max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("quick"), max_examples=1_000, derandomize=False)
settings.load_profile("quick")

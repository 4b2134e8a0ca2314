"""Every test runs with the package under beartype, and Hypothesis as quick or as thorough as the profile says.

`pytest --hypothesis-profile=long` searches ten times as far.
"""

from beartype import BeartypeConf
from beartype.claw import beartype_package
from hypothesis import HealthCheck, settings

# beartype 0.23 does not read `Unpack` of a generic TypedDict, which is how the entry points take their options. These
# two modules hold nothing but the entry points, and what they call is checked.
_UNREADABLE = ("batchfold.shell.process", "batchfold.shell.process_async")

# These make functions inside functions for every batch. beartype compiles a checker for each of them anew, 2 ms a time,
# which would make most of the time that the tests take.
_COMPILED_FOR_EVERY_BATCH = ("batchfold.core.attempt", "batchfold.shell.lambda_handler", "batchfold.shell.batch_error")

beartype_package(
    "batchfold",
    conf=BeartypeConf(claw_skip_package_names=(*_UNREADABLE, *_COMPILED_FOR_EVERY_BATCH), is_pep484_tower=True),
)

settings.register_profile(
    "quick", deadline=None, max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("quick"), max_examples=1_000, derandomize=False)
settings.load_profile("quick")

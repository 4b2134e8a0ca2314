"""The event source mappings that SAM makes of a function's events.

Everything that asks SAM's translator is in this file. It is asked about one event at a time, in a template that holds
nothing but the function with that event, so that neither another resource nor a local path keeps it from answering.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from batchfold.cli.check_model import Kind
from batchfold.core._guards import is_mapping, is_plain_list

TRANSFORM = "AWS::Serverless-2016-10-31"
FUNCTION = "AWS::Serverless::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"

_POLLED: dict[str, Kind] = {
    "SQS": "sqs",
    "Kinesis": "kinesis",
    "DynamoDB": "dynamodb",
    "MSK": "kafka",
    "SelfManagedKafka": "kafka",
}
"""The types of events that become a mapping with a partial response."""

_GLOBALS = ("Timeout", "ReservedConcurrentExecutions", "Handler", "CodeUri")
"""The settings of a function that the rules ask for, which SAM takes from the `Globals` where it has none."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a function in a SAM template."""

    name: object
    """Its name as the template has it, which knows its position."""
    kind: Kind
    """The source that its type names."""
    properties: Mapping[str, object]
    """Its properties as the template has them."""
    mapping: Mapping[str, object] | str
    """The properties of the mapping that SAM makes of it, or what SAM says against it."""


def is_sam(template: Mapping[str, object]) -> bool:
    """Return whether CloudFormation gives the template to SAM."""
    transform = template.get("Transform")
    return transform == TRANSFORM or (is_plain_list(transform) and TRANSFORM in transform)


def settings_of(function: Mapping[str, object], template: Mapping[str, object]) -> dict[str, object]:
    """Return the properties of a function, with those that the `Globals` give it."""
    shared = template.get("Globals")
    of_functions = shared.get("Function") if is_mapping(shared) else None
    given = {name: of_functions[name] for name in _GLOBALS if name in of_functions} if is_mapping(of_functions) else {}
    properties = function.get("Properties")
    return {**given, **(properties if is_mapping(properties) else {})}


def events_of(name: str, function: Mapping[str, object]) -> list[Event]:
    """Return the polled events of the function that has this logical ID."""
    properties = function.get("Properties")
    events = properties.get("Events") if is_mapping(properties) else None
    found: list[Event] = []
    for key, event in events.items() if is_mapping(events) else ():
        if is_mapping(event) and isinstance(event.get("Type"), str) and event["Type"] in _POLLED:
            own = event.get("Properties")
            found.append(
                Event(key, _POLLED[event["Type"]], own if is_mapping(own) else {}, _translated(name, str(key), event))
            )
    return found


def _translated(name: str, event_name: str, event: Mapping[str, object]) -> Mapping[str, object] | str:
    """Return the properties of the mapping, or SAM's objection."""
    from boto3.session import Session  # noqa: PLC0415  # they take half a second, and most files need them not
    from samtranslator.model.exceptions import InvalidDocumentException  # noqa: PLC0415
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    session = Session(region_name="us-east-1")  # SAM asks it for the partition and calls nothing
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), boto_session=session)
    try:
        translated = translator.translate(sam_template=_reduced(name, event_name, event), parameter_values={})
    except InvalidDocumentException as error:
        return "; ".join(_without_the_resource(cause.message) for cause in error.causes) or error.message
    except Exception as error:  # noqa: BLE001  # an event that breaks the translator must not break the check
        return f"SAM's translator raised {type(error).__name__}"
    finally:
        translator.metrics.publish()  # to nowhere; left out, the translator logs a warning
    for resource in translated["Resources"].values():
        if resource.get("Type") == MAPPING:
            made: Mapping[str, object] = resource.get("Properties", {})
            return made
    return "SAM makes no event source mapping of it"


def _reduced(name: str, event_name: str, event: Mapping[str, object]) -> dict[str, object]:
    function = {
        "Handler": "app.handler",
        "Runtime": "python3.11",
        "InlineCode": "-",
        "Role": "arn:aws:iam::123456789012:role/any",  # or SAM makes one, with policies that nobody asks for
        "Events": {event_name: deepcopy(event)},  # SAM changes what it is given
    }
    return {"Transform": TRANSFORM, "Resources": {name: {"Type": FUNCTION, "Properties": function}}}


_PREFIX = re.compile(r"^.*?is invalid\. ", re.DOTALL)


def _without_the_resource(message: str) -> str:
    """Return SAM's objection without the beginning that names the resource, which the report names itself."""
    return _PREFIX.sub("", message)

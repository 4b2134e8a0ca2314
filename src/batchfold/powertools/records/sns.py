"""`SNSMessage`: a message of SNS, as the body of an SQS message holds it."""

from typing import Any

from batchfold.powertools.records.wrapper import DictWrapper
from batchfold.sources.fields import text


class SNSMessageAttribute(DictWrapper):
    """An attribute that the publisher gave the message."""

    @property
    def get_type(self) -> str:
        """`String`, `String.Array`, `Number` or `Binary`."""
        return text(self, "Type")

    @property
    def value(self) -> str:
        """The value."""
        return text(self, "Value")


class SNSMessage(DictWrapper):
    """A message of SNS. batchfold's own is `Sns[...]`, an envelope: `sqs(Sns[Order])`."""

    @property
    def signature_version(self) -> str:
        """The version of the signature."""
        return text(self, "SignatureVersion")

    @property
    def timestamp(self) -> str:
        """When the message was published."""
        return text(self, "Timestamp")

    @property
    def signature(self) -> str:
        """The signature, in base64."""
        return text(self, "Signature")

    @property
    def signing_cert_url(self) -> str:
        """Where the certificate is that signed the message, as AWS's own SNS events for Lambda spell it."""
        return text(self, "SigningCertUrl")

    @property
    def message_id(self) -> str:
        """The id of the message."""
        return text(self, "MessageId")

    @property
    def message(self) -> str:
        """The message, text."""
        return text(self, "Message")

    @property
    def message_attributes(self) -> dict[str, Any]:
        """The publisher's attributes by name."""
        return {name: SNSMessageAttribute(item) for name, item in self["MessageAttributes"].items()}

    @property
    def get_type(self) -> str:
        """`Notification` for one."""
        return text(self, "Type")

    @property
    def unsubscribe_url(self) -> str:
        """Where to unsubscribe, as AWS's own SNS events for Lambda spell it."""
        return text(self, "UnsubscribeUrl")

    @property
    def topic_arn(self) -> str:
        """The topic's ARN."""
        return text(self, "TopicArn")

    @property
    def subject(self) -> str:
        """The subject."""
        return text(self, "Subject")

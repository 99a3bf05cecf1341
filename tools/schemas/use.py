"""Uses the types, as use.ts does."""

import base64
import sys

from failure import (
    CloudEvent,
    CloudEventBase64,
    CloudEventData,
    MpcNotification,
    PlainEvent,
    RemuxFailure,
    SmnEnvelope,
    TaskId,
)
from outcome import Outcome, OutcomeKind, Reason
from recovered import Recovery

RETRIED = {Reason.accepted, Reason.already_running, Reason.covered}
FAILED = {
    Reason.rejected,
    Reason.task_not_found,
    Reason.invalid_task,
    Reason.not_retryable,
    Reason.budget_exhausted,
    Reason.attempts_exhausted,
    Reason.expired,
}
assert RETRIED | FAILED == set(Reason), "there are other reasons"


def text(model):
    return model.model_dump_json(exclude_unset=True)


for line in sys.stdin:
    name, value = line.split("\t")
    if name == "recovery":
        print(name, text(Recovery.model_validate_json(value)), sep="\t")
        continue
    outcome = Outcome.model_validate_json(value)
    assert (outcome.reason in RETRIED) == (outcome.outcome is OutcomeKind.retried), line
    print(name, text(outcome), sep="\t")

plain = PlainEvent(task_id=TaskId("538526"), error_code="MPC.10105")
mpc = MpcNotification(
    event_type="RemuxComplete",
    remux_info=RemuxFailure(task_id=TaskId("538526"), status="FAILED", error_code="MPC.10105"),
)
events = {
    "plain": plain,
    "number": PlainEvent(task_id=TaskId(538526), error_code="MPC.10105"),
    "cloud": CloudEvent(
        specversion="1.0", id="e-1", source="/platform", type="remux.failed", data=CloudEventData(plain)
    ),
    "base64": CloudEventBase64(
        specversion="1.0", id="e-1", data_base64=base64.b64encode(text(plain).encode()).decode()
    ),
    "mpc": mpc,
    "smn": SmnEnvelope(type="Notification", message_id="m-1", message=text(mpc)),
}
for name, event in events.items():
    print(name, text(event), sep="\t")

// Uses the types: reads outcomes and recoveries from standard input and writes each again;
// then writes a failure event of each shape. A line is a name, a tab and JSON.
import { createInterface } from 'node:readline';
import type CloudEvent from './typescript/CloudEvent';
import type CloudEventBase64 from './typescript/CloudEventBase64';
import type FailureEvent from './typescript/FailureEvent';
import type MpcNotification from './typescript/MpcNotification';
import type Outcome from './typescript/Outcome';
import type OutcomeKind from './typescript/OutcomeKind';
import type PlainEvent from './typescript/PlainEvent';
import type Reason from './typescript/Reason';
import type Recovery from './typescript/Recovery';
import type SmnEnvelope from './typescript/SmnEnvelope';

// The compiler misses a reason that is not here, and refuses one that there is not.
const kinds: Record<Reason, OutcomeKind> = {
  accepted: 'retried',
  already_running: 'retried',
  covered: 'retried',
  rejected: 'retry_failed',
  task_not_found: 'retry_failed',
  invalid_task: 'retry_failed',
  not_retryable: 'retry_failed',
  budget_exhausted: 'retry_failed',
  attempts_exhausted: 'retry_failed',
  expired: 'retry_failed'
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, value] = line.split('\t');
  if (name === 'recovery') {
    const { task_id, retries, first_failed_at, recovered_at, outcome_id, retried_at, user_data }: Recovery = JSON.parse(value);
    const recovery: Recovery = { task_id, retries, first_failed_at, recovered_at, outcome_id, retried_at, user_data };
    console.log(`${name}\t${JSON.stringify(recovery)}`);
    continue;
  }
  const outcome: Outcome = JSON.parse(value);
  if (kinds[outcome.reason] !== outcome.outcome) throw new Error(`unexpected: ${line}`);
  console.log(`${name}\t${JSON.stringify(outcome)}`);
}

const plain: PlainEvent = { task_id: '538526', error_code: 'MPC.10105' };
const number: PlainEvent = { task_id: 538526, error_code: 'MPC.10105' };
const cloud: CloudEvent = { specversion: '1.0', id: 'e-1', source: '/platform', type: 'remux.failed', data: plain };
const base64: CloudEventBase64 = {
  specversion: '1.0',
  id: 'e-1',
  data_base64: Buffer.from(JSON.stringify(plain)).toString('base64')
};
const mpc: MpcNotification = {
  event_type: 'RemuxComplete',
  remux_info: { task_id: '538526', status: 'FAILED', error_code: 'MPC.10105' }
};
const smn: SmnEnvelope = { type: 'Notification', message_id: 'm-1', message: JSON.stringify(mpc) };
const events: Record<string, FailureEvent> = { plain, number, cloud, base64, mpc, smn };
for (const [name, event] of Object.entries(events)) console.log(`${name}\t${JSON.stringify(event)}`);

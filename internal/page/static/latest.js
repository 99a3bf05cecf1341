// The list of what was answered last, and its filter.

import { go, keep, kept, onPlainClick, taskLink } from './address.js';
import { byId, duration, list, make, put } from './dom.js';
import { open } from './story.js';
import { clock, onZone } from './time.js';

const names = { dead_letter: 'dead letter', given_up: 'given up' };
// Of each outcome the service tells the last hundred. Without a filter older ones
// would stand there among which most are missing.
const length = 100;
let shown = null; // nothing has come yet

function matches(done) {
  const outcome = byId('filter-outcome').value;
  const text = byId('filter-text').value.trim().toLowerCase();
  return (!outcome || done.outcome === outcome) &&
    (!text || [done.task_id, done.reason, done.text, done.outcome].some((field) => (field || '').toLowerCase().includes(text)));
}

function row(done) {
  const task = make('td', { class: 'task' });
  if (done.task_id) {
    const link = make('a', { href: taskLink(done.task_id) }, done.task_id);
    onPlainClick(link, () => open(done.task_id));
    task.append(link);
  } else task.append(make('span', { class: 'muted' }, `no id: partition ${done.partition}, offset ${done.offset}`));
  const why = [done.reason, done.text].filter(Boolean).join(': ');
  return make('tr', {}, make('td', { class: 'time' }), task,
    make('td', {}, make('span', { class: 'chip', 'data-outcome': done.outcome }, names[done.outcome] || done.outcome),
      make('span', { class: 'narrow-why muted' }, why)),
    make('td', { class: 'roomy muted why' }, why), make('td', { class: 'number' }, duration(done.seconds)));
}

function render() {
  if (!shown) return;
  const some = shown.filter(matches).slice(0, length);
  list(byId('latest'), some, (d) => `${d.partition}/${d.offset}/${d.at}`, row, (node, d) => put(node.firstElementChild, clock(d.at)));
  byId('no-latest').hidden = some.length > 0;
  put(byId('no-latest'), shown.length ? 'None of the latest matches the filter.' : 'No event has been answered yet.');
}

export function showLatest(latest) {
  shown = latest.latest;
  render();
}

function readAddress() {
  byId('filter-outcome').value = kept('outcome');
  if (byId('filter-outcome').selectedIndex < 0) byId('filter-outcome').value = '';
  byId('filter-text').value = kept('text');
  render();
}

function filtered() {
  keep({ outcome: byId('filter-outcome').value, text: byId('filter-text').value.trim() });
  render();
}

byId('filter-outcome').addEventListener('change', filtered);
byId('filter-text').addEventListener('input', filtered);
onPlainClick(document.querySelector('#state-letters a'), () => {
  go({ outcome: 'dead_letter', text: '' });
  byId('latest-title').scrollIntoView();
});
onZone(render);
window.addEventListener('hashchange', readAddress);
readAddress();

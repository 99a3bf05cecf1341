// The list of what was answered last: its filter, its pages, and its download.

import { go, keep, kept, onPlainClick, taskLink } from './address.js';
import { get } from './answer.js';
import { byId, duration, list, make, put, show } from './dom.js';
import { open } from './story.js';
import { clock, onZone } from './time.js';

const names = { dead_letter: 'dead letter', given_up: 'given up' };
const length = 100; // rows of a page, and answers of each outcome in the stream
let live = null; // the answers in the stream; null: none has come yet
let pages = []; // the older pages that are open; the last of them is shown

const filter = () => ({ outcome: byId('filter-outcome').value, text: byId('filter-text').value.trim() });

function matches(done) {
  const { outcome, text } = filter();
  return (!outcome || done.outcome === outcome) &&
    (!text || [done.task_id, done.reason, done.text, done.outcome].some((field) => (field || '').toLowerCase().includes(text.toLowerCase())));
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

// complete is the number down to which no answer of the outcome is missing among those
// in the stream.
function complete(outcome) {
  const last = new Map();
  for (const d of live) if (!outcome || d.outcome === outcome) last.set(d.outcome, [...(last.get(d.outcome) || []), d.number]);
  return Math.max(0, ...[...last.values()].filter((numbers) => numbers.length >= length).map((numbers) => Math.min(...numbers)));
}

// present is the page that is shown, and from where on the next one goes.
function present() {
  if (pages.length) return pages[pages.length - 1];
  const down = complete(filter().outcome);
  const all = live.filter((d) => d.number >= down && matches(d));
  const latest = all.slice(0, length);
  return { latest, more: all.length > length || down > 1, below: latest.length === length ? latest[length - 1].number : down };
}

function render() {
  if (!live) return;
  const page = present();
  list(byId('latest'), page.latest, (d) => `${d.partition}/${d.offset}/${d.at}`, row, (node, d) => put(node.firstElementChild, clock(d.at)));
  const none = live.length ? 'None of the latest matches the filter.' : 'No event has been answered yet.';
  show(byId('no-latest'), page.latest.length ? '' : pages.length ? 'This instance remembers no older ones.' : none);
  byId('newer').disabled = !pages.length;
  byId('older').disabled = !page.more;
  byId('pages').hidden = byId('newer').disabled && byId('older').disabled;
  put(byId('page-number'), `page ${pages.length + 1}`);
}

export function showLatest(latest) {
  live = latest.latest;
  render();
}

let turning = false; // the next page is asked for; a second click must not turn it over twice

async function older() {
  if (turning) return;
  turning = true;
  try {
    await turnOver();
  } finally {
    turning = false;
  }
}

async function turnOver() {
  const asked = filter();
  const query = new URLSearchParams({ ...asked, below: present().below });
  try {
    const page = await get(`api/latest?${query}`);
    if (JSON.stringify(asked) !== JSON.stringify(filter())) return;
    pages.push({ ...page, below: page.latest.at(-1)?.number });
  } catch (error) {
    pages.push({ latest: [], more: false });
    render();
    return show(byId('no-latest'), error.message);
  }
  turned();
}

function turned() {
  render();
  byId('latest').closest('.scroll').scrollTop = 0;
}

function filtered() {
  pages = [];
  render();
}

function readAddress() {
  byId('filter-outcome').value = kept('outcome');
  if (byId('filter-outcome').selectedIndex < 0) byId('filter-outcome').value = '';
  byId('filter-text').value = kept('text');
  filtered();
}

// save has the browser save a text as a file.
function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  make('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const columns = ['at', 'task_id', 'partition', 'offset', 'outcome', 'reason', 'text', 'seconds'];

// formula finds where a spreadsheet would see the beginning of a formula, and calculate it:
// at the start of a text, or, if the sheet splits at other separators than our comma and so
// ignores our quotes, after one of those.
const formula = /(^|[,;\t\r\n]["' ]*)(?=[=+\-@\t\r])/g;

// field is a CSV field by RFC 4180.
const field = (value) => `"${String(value ?? '').replace(formula, "$1'").replaceAll('"', '""')}"`;

const csv = (rows) => [columns.join(','), ...rows.map((d) => columns.map((name) => field(d[name])).join(','))].map((line) => line + '\r\n').join('');

byId('save-json').addEventListener('click', () => save('answers.json', 'application/json', JSON.stringify({ latest: present().latest }, null, 1)));
byId('save-csv').addEventListener('click', () => save('answers.csv', 'text/csv', csv(present().latest)));
for (const [id, event] of [['filter-outcome', 'change'], ['filter-text', 'input']]) {
  byId(id).addEventListener(event, () => {
    keep(filter());
    filtered();
  });
}
byId('older').addEventListener('click', older);
byId('newer').addEventListener('click', () => {
  pages.pop();
  turned();
});
onPlainClick(document.querySelector('#state-letters a'), () => {
  go({ outcome: 'dead_letter', text: '' });
  byId('latest-title').scrollIntoView();
});
onZone(render);
window.addEventListener('hashchange', readAddress);
readAddress();

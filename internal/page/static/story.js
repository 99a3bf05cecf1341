// The search for a task, and its story. The address keeps the task (#task=…), so
// that a story can be sent to somebody.

import { byId, clock, list, make, put, set } from './dom.js';

const section = byId('story');
let task = ''; // the one that is shown
let told = null; // what is known of it
let asked = 0; // counts the questions: only the last one's answer counts
let polled = 0;

const moods = {
  accepted: 'good', already_running: 'good', covered: 'good', quota: 'wait', outage: 'bad', kafka_away: 'bad',
  never_seen: 'calm', not_known_here: 'calm', ignored: 'calm', in_topic: 'wait', at_work: 'wait', twin: 'wait',
  backoff: 'wait', publishing: 'wait', given_up: 'wait', throttled: 'wait', answered: 'calm', reading: 'calm',
};

// open shows a task's story.
export function open(id) {
  const hash = `#task=${encodeURIComponent(id)}`;
  if (location.hash === hash) start(id);
  else location.hash = hash;
}

function start(id) {
  task = id;
  told = null;
  section.hidden = false;
  set(section, { 'aria-busy': 'true' });
  put(byId('story-title'), `Task ${id}`);
  set(byId('story-verdict'), { 'data-mood': 'calm', 'data-code': '' });
  put(byId('verdict-title'), 'Looking…');
  put(byId('verdict-text'), '');
  put(byId('story-where'), '');
  byId('story-events').replaceChildren();
  byId('story-topics').replaceChildren(make('p', { class: 'muted' }, 'The topics are being read; that takes up to five seconds.'));
  byId('story-title').focus({ preventScroll: true });
  section.scrollIntoView({ block: 'nearest' });
  const number = ++asked;
  ask(id, number, false).then(() => ask(id, number, true));
}

// ask gets what this instance remembers, which is there at once, or what the
// topics know as well.
async function ask(id, number, topics) {
  let answer;
  try {
    const response = await fetch(`/api/tasks/${encodeURIComponent(id)}${topics ? '' : '?topics=false'}`);
    answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
  } catch (error) {
    if (number !== asked) return;
    set(section, { 'aria-busy': 'false' });
    byId('story-topics').replaceChildren();
    put(byId('verdict-title'), 'No answer');
    put(byId('verdict-text'), error.message);
    return;
  }
  if (number !== asked) return;
  // A look into the memory alone keeps what the topics said.
  if (!topics && told) answer = { ...answer, topics: told.topics, topics_problem: told.topics_problem, owner: told.owner };
  const first = !topics && !told;
  if (topics || told) told = answer;
  if (first && answer.stories.length === 0) return; // not worth a verdict yet
  render(answer, first);
}

function render(t, more) {
  set(section, { 'aria-busy': String(more) });
  set(byId('story-verdict'), { 'data-mood': moods[t.verdict.code] || 'bad', 'data-code': t.verdict.code });
  put(byId('verdict-title'), t.verdict.title);
  put(byId('verdict-text'), t.verdict.text);
  put(byId('story-where'), where(t));
  list(byId('story-events'), t.stories, (s) => `${s.partition}/${s.offset}/${s.steps[0]?.at}`, event, (node, s) => steps(node.querySelector('ol'), s.steps));
  if (!more) topics(t);
}

function where(t) {
  if (!t.owner) return `Told by ${t.instance}.`;
  const { partition, instance, here } = t.owner;
  if (here) return `Told by ${t.instance}, which owns its partition, ${partition}.`;
  if (!instance) return `Told by ${t.instance}. Nobody owns its partition, ${partition}, at the moment.`;
  return `Told by ${t.instance}. Its partition, ${partition}, is owned by ${instance}, whose page knows more.`;
}

function event(s) {
  const words = [`The failure event at offset ${s.offset} of partition ${s.partition}`];
  if (s.error_code) words.push(`code ${s.error_code}`);
  if (s.event_id) words.push(`id ${s.event_id}`);
  const node = make('section', {}, make('h3', {}, words.join(', ')));
  if (s.description) node.append(make('p', { class: 'muted' }, s.description));
  node.append(make('ol', { class: 'steps' }));
  return node;
}

function steps(parent, lines) {
  list(parent, lines, (line) => `${line.at}/${line.kind}/${lines.indexOf(line)}`,
    (line) => make('li', { 'data-kind': line.kind }, make('time', { datetime: line.at }, clock(line.at)), make('span')),
    (node, line) => put(node.lastElementChild, line.sentence));
}

function topics(t) {
  const box = byId('story-topics');
  if (!t.topics) return box.replaceChildren(make('p', { class: 'muted' }, `What the topics know is not told: ${t.topics_problem}.`));
  const lines = make('ol', { class: 'steps' });
  steps(lines, t.topics.entries);
  const scope = t.topics_problem || `Since ${clock(t.topics.since)}; ${t.topics.records_read.toLocaleString('en-US')} records were read${t.topics.complete ? '' : ', not all there are'}.`;
  box.replaceChildren(make('h3', {}, 'What the topics know'), t.topics.entries.length ? lines : make('p', {}, 'Nothing.'), make('p', { class: 'muted' }, scope));
}

// storyChanged looks again, now and then, while the task is waiting.
export function storyChanged() {
  if (!told || section.hidden || Date.now() - polled < 2000) return;
  if (!told.stories.some((s) => !s.outcome) && told.verdict.code !== 'in_topic') return;
  polled = Date.now();
  ask(task, asked, told.verdict.code === 'in_topic');
}

function close() {
  asked++;
  told = null;
  section.hidden = true;
  history.replaceState(null, '', location.pathname);
  byId('task').focus();
}

function follow() {
  if (!location.hash.startsWith('#task=')) return;
  try {
    start(decodeURIComponent(location.hash.slice('#task='.length)));
  } catch {
    close(); // somebody's address, cut in the middle of an escape
  }
}

byId('search').addEventListener('submit', (event) => {
  event.preventDefault();
  const id = byId('task').value.trim();
  if (id) open(id);
});
byId('story-close').addEventListener('click', close);
document.addEventListener('keydown', (event) => {
  const typing = event.target.matches('input, select, textarea');
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    byId('task').focus();
    byId('task').select();
  }
  if (event.key === 'Escape' && !section.hidden) close();
});
window.addEventListener('hashchange', follow);
follow();

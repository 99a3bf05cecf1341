// Shows a task's story: verdict, steps, and the records in the topics.

import { taskLink } from './address.js';
import { command, copyButton } from './copy.js';
import { nameOf } from './instances.js';
import { byId, list, make, put, set } from './dom.js';
import { clock, inZone } from './time.js';

const section = byId('story');

const moods = {
  accepted: 'good', already_running: 'good', covered: 'good', recovered: 'good', quota: 'wait', outage: 'bad', kafka_away: 'bad',
  never_seen: 'calm', not_known_here: 'calm', busy: 'calm', in_topic: 'wait', at_work: 'wait', duplicate: 'wait', asking: 'wait',
  backoff: 'wait', publishing: 'wait', given_up: 'wait', throttled: 'wait', answered: 'calm',
};

// begin is shown before the first answer.
export function begin(id) {
  section.hidden = false;
  set(section, { 'aria-busy': 'true' });
  put(byId('story-title'), `Task ${id.length > 200 ? id.slice(0, 200) + '…' : id}`);
  byId('story-commands').replaceChildren();
  verdict('', 'calm', 'Looking…', '');
  put(byId('story-where'), '');
  byId('story-events').replaceChildren();
  byId('story-topics').replaceChildren(make('p', { class: 'muted' }, 'The topics are being read; that takes up to five seconds.'));
  byId('story-title').focus({ preventScroll: true });
  section.scrollIntoView({ block: 'nearest' });
}

// fail shows why there is no answer.
export function fail(title, text) {
  set(section, { 'aria-busy': 'false' });
  byId('story-topics').replaceChildren();
  verdict('', 'calm', title, text);
}

// commands offers the id and commands to copy.
function commands(id) {
  if (byId('story-commands').firstChild) return;
  const one = (what, text) => make('li', {}, make('code', {}, text), copyButton(what, text));
  byId('story-commands').append(one('the id', id), one('the command that explains the task', command('explain', id)), one('the command that requests a retry', command('retry', id)));
}

function verdict(code, mood, title, text) {
  set(byId('story-verdict'), { 'data-mood': mood, 'data-code': code });
  put(byId('verdict-title'), title);
  put(byId('verdict-text'), text);
}

// showStory shows what is known; more: the topics are still being read.
export function showStory(t, more) {
  set(section, { 'aria-busy': String(more) });
  verdict(t.verdict.code, moods[t.verdict.code] || 'bad', inZone(t.verdict.title), inZone(t.verdict.text));
  commands(t.task_id);
  const origin = make('span', {}, ...where(t), leftOut(t.stories_left_out));
  if (byId('story-where').textContent !== origin.textContent) byId('story-where').replaceChildren(origin); // otherwise a link would lose the focus
  list(byId('story-events'), t.stories, (s) => `${s.partition}/${s.offset}/${s.steps[0]?.at}`, event, (node, s) => steps(node.querySelector('ol'), s.steps));
  if (!more) topics(t);
}

function where(t) {
  if (!t.owner) return [`Answered by ${t.instance}.`];
  const { partition, instance, here } = t.owner;
  if (here) return [`Answered by ${t.instance}, which owns its partition, ${partition}.`];
  if (!instance) return [`Answered by ${t.instance}. No instance owns its partition, ${partition}, now.`];
  return [`Answered by ${t.instance}. Its partition, ${partition}, is owned by `, nameOf(instance, taskLink(t.task_id)), ', whose page knows more.'];
}

function leftOut(n) {
  return n ? ` It has ${n.toLocaleString('en-US')} more failure event${n === 1 ? '' : 's'} of the task, which ${n === 1 ? 'is' : 'are'} not shown.` : '';
}

function event(s) {
  const words = [`The failure event at offset ${s.offset} of partition ${s.partition}`];
  if (s.error_code) words.push(`code ${s.error_code}`);
  if (s.event_id) words.push(`id ${s.event_id}`);
  const node = make('section', {}, make('h3', {}, words.join(', ')));
  if (s.description) node.append(make('p', { class: 'muted' }, s.description));
  if (s.user_data) node.append(make('p', { class: 'muted' }, `User data: ${s.user_data}`));
  node.append(make('ol', { class: 'steps' }));
  return node;
}

function steps(parent, lines) {
  list(parent, lines, (line) => `${line.at}/${line.kind}/${lines.indexOf(line)}`,
    (line) => make('li', { 'data-kind': line.kind }, make('time', { datetime: line.at }), make('span')),
    (node, line) => {
      put(node.firstElementChild, clock(line.at));
      put(node.querySelector('span'), inZone(line.sentence, line.at));
      requestID(node, line.request_id);
    });
}

// requestID is what the vendor's support needs.
function requestID(node, id) {
  if (node.dataset.request === (id || '')) return;
  node.dataset.request = id || '';
  node.querySelector('.request')?.remove();
  if (id) node.append(make('span', { class: 'request muted' }, 'request id ', make('code', {}, id), copyButton('the request id', id)));
}

function topics(t) {
  const box = byId('story-topics');
  if (!t.topics) return box.replaceChildren(make('p', { class: 'muted' }, `The topics were not read: ${t.topics_problem}.`));
  const lines = make('ol', { class: 'steps' });
  steps(lines, t.topics.entries);
  const scope = t.topics_problem ? `Not complete: ${t.topics_problem}.` : `Since ${clock(t.topics.since)}; ${t.topics.records_read.toLocaleString('en-US')} records were read${t.topics.complete ? '' : ', not all there are'}.`;
  box.replaceChildren(make('h3', {}, 'Records in the topics'), t.topics.entries.length ? lines : make('p', {}, 'Nothing.'), make('p', { class: 'muted' }, scope));
}

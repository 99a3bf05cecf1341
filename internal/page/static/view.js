// The state, the gauge, the reasons and the partitions.

import { copies } from './copy.js';
import { byId, draw, list, make, number, plain, put, set, short, show, since } from './dom.js';
import { clock, inZone, onZone } from './time.js';

// moods are the colours of the states; see style.css.
export const moods = {
  working: 'good', idle: 'calm', quota: 'wait', throttled: 'wait', outage: 'bad', kafka_away: 'bad', topic_absent: 'bad',
  unreadable: 'wait', stuck: 'bad', partition: 'bad', no_share: 'bad', starting: 'calm', joining: 'calm', reading: 'calm', standby: 'calm',
};

let instance = 'remux-retrier';
let last = null; // the last status shown
copies(byId('state-command-copy'), 'the command', () => byId('state-command-text').textContent);

export function showStatus(s) {
  last = s;
  showState(s);
  showGauge(s);
  showReasons(s);
  showPartitions(s);
  put(byId('instance'), `${s.instance} · group ${s.group}`);
  put(byId('about'), `${s.version} · up ${since(s.started_at, s.at)} · generation ${s.kafka.generation}.`);
  instance = s.instance;
  put(document.querySelector('title'), `${s.state.title} · ${instance}`);
}

onZone(() => last && showStatus(last));

// showNothing is for a hidden tab: it shows the instance and no state.
export function showNothing() {
  put(document.querySelector('title'), instance);
}

// showSilence shows that no documents come any more, so that the last state is not taken
// for the current one.
export function showSilence(receivedAt, refused) {
  const title = refused ? 'This page gets no data' : 'This instance does not answer';
  set(byId('state'), { 'data-mood': 'bad', 'data-state': 'silent' });
  put(byId('state-title'), title);
  put(byId('state-since'), receivedAt ? `since ${clock(receivedAt)}, for ${since(receivedAt, Date.now())}` : '');
  put(byId('state-text'), refused || (receivedAt ? 'Data below is stale. ' : '') +
    'Is the process running and reachable? The page resumes by itself when it answers.');
  for (const id of ['state-advice', 'state-command', 'state-letters', 'state-error', 'notes']) byId(id).hidden = true;
  put(document.querySelector('title'), `${title} · ${instance}`);
}

// saidAbove: the headline or the advice says the same as the note.
function saidAbove(note, state) {
  const bare = (text) => (text || '').toLowerCase().replace(/\.$/, '');
  return bare(note) === bare(state.advice) || state.name === 'throttled' && note.startsWith('Throttled by MPC');
}

// putCommand is put for a command, with each word in a box of its own: lines end between
// words, not at the hyphens of an option.
function putCommand(node, text) {
  if (node.textContent !== plain(text)) node.replaceChildren(...text.split(' ').flatMap((word, i) => [i ? ' ' : '', make('span', { class: 'word' }, word)]));
}

function showState(s) {
  const { state } = s;
  set(byId('state'), { 'data-mood': moods[state.name] || 'calm', 'data-state': state.name });
  put(byId('state-title'), inZone(state.title, s.at));
  put(byId('state-since'), `since ${clock(state.since, s.at)}, for ${since(state.since, s.at)}`);
  put(byId('state-text'), inZone(state.text, s.at));
  show(byId('state-advice'), state.advice);
  byId('state-command').hidden = !state.command;
  putCommand(byId('state-command-text'), state.command || '');
  byId('state-letters').hidden = state.name !== 'unreadable';
  byId('state-error').hidden = !state.error;
  put(byId('state-error-label'), state.error_at ? `Last answer, at ${clock(state.error_at, s.at)}` : 'What is wrong');
  put(byId('state-error-text'), state.error || '');
  const notes = s.notes.filter((note) => !saidAbove(note, state));
  byId('notes').hidden = notes.length === 0;
  list(byId('notes'), notes, (note) => note, () => make('li'), (item, note) => put(item, inZone(note, s.at)));
}

// The arc is three quarters of a circle.
const radius = 64;
const whole = 2 * Math.PI * radius;
const arc = 0.75 * whole;

function makeGauge(parent) {
  const round = (name) => draw('circle', {
    class: name, cx: 84, cy: 84, r: radius, fill: 'none', transform: 'rotate(135 84 84)',
    'stroke-dasharray': `${name === 'track' ? arc : 0} ${whole}`,
  });
  parent.append(draw('svg', { viewBox: '0 0 168 146', width: 168, height: 146, 'aria-hidden': 'true' },
    round('track'), round('value'),
    draw('text', { class: 'big', x: 84, y: 90, 'text-anchor': 'middle' }),
    draw('text', { class: 'small', x: 84, y: 112, 'text-anchor': 'middle' })));
}

function showGauge(s) {
  const m = s.mpc;
  const gauge = byId('gauge');
  if (!gauge.firstChild) makeGauge(gauge);
  const limit = m.share_per_minute;
  // Without partitions there is no share, and 0 would be wrong.
  const known = s.kafka.joined && s.partitions.length > 0;
  const part = known && limit ? Math.min(1, m.sent_last_minute / limit) : 0;
  set(gauge.querySelector('.value'), { 'stroke-dasharray': `${(part * arc).toFixed(1)} ${whole}`, 'data-mood': s.state.name === 'throttled' ? 'wait' : 'calm' });
  put(gauge.querySelector('.big'), known ? short(m.sent_last_minute) : '–');
  const of = !known ? '' : limit === null ? 'no limit' : `of ${short(limit)}`;
  put(gauge.querySelector('.small'), of);
  set(gauge, { 'aria-label': known ? `${number(m.sent_last_minute)} requests in the last minute, ${of}` : 'the share of the quota is not known' });
  const words = [];
  if (known && m.rate_per_minute !== null) words.push(`At most ${number(m.rate_per_minute)} a minute now.`);
  if (m.quota_per_minute !== null && (!known || m.quota_per_minute !== limit)) words.push(`The whole group has ${number(m.quota_per_minute)}.`);
  if (m.throttled_last_minute) words.push(`${number(m.throttled_last_minute)} refused because of the quota.`);
  if (!known) words.push(s.kafka.joined ? 'This instance has no share while it has no partition.' : 'The share of this instance is known when it has joined the group.');
  put(byId('quota-text'), words.join(' ') || 'Retries, queries and probes.');
}

function showReasons(s) {
  const reasons = [...s.outcomes].sort((a, b) => b.count - a.count);
  const most = reasons.length ? reasons[0].count : 1;
  byId('no-reasons').hidden = reasons.length > 0;
  put(byId('reasons-since'), `since ${clock(s.started_at, s.at)}`);
  list(byId('reasons'), reasons, (r) => `${r.outcome}/${r.reason}`,
    (r) => make('li', { 'data-outcome': r.outcome },
      make('span', { class: 'name' }, r.reason), make('span', { class: 'count' }), make('span', { class: 'bar' })),
    (row, r) => {
      put(row.querySelector('.count'), number(r.count));
      row.querySelector('.bar').style.width = `${Math.max(0.5, 100 * r.count / most).toFixed(1)}%`;
    });
}

const cell = (name) => make('td', { class: `number ${name}` });

function showPartitions(s) {
  byId('no-partitions').hidden = s.partitions.length > 0;
  put(byId('partitions-of'), `of ${s.topic}`);
  list(byId('partitions'), s.partitions, (p) => p.partition,
    () => make('tr', {}, cell('id'), cell('open'), cell('lag'), cell('oldest')),
    (row, p) => {
      row.classList.toggle('trouble', Boolean(p.problem));
      put(row.querySelector('.id'), String(p.partition));
      const known = p.end >= 0 && p.committed >= 0;
      put(row.querySelector('.open'), known ? number(p.unanswered + Math.max(0, p.end - p.next)) : '?');
      put(row.querySelector('.lag'), known ? number(Math.max(0, p.end - p.committed)) : '?');
      put(row.querySelector('.oldest'), p.oldest_at ? since(p.oldest_at, s.at) : '–');
    });
  list(byId('problems'), s.partitions.filter((p) => p.problem), (p) => p.partition, () => make('li'),
    (row, p) => put(row, `Partition ${p.partition}: ${p.problem}`));
  list(byId('checks'), s.checks, (c) => c.name, (c) => make('li', {}, make('strong', {}, c.name), ' ', make('span')),
    (row, c) => {
      row.classList.toggle('failing', !c.ok);
      put(row.lastElementChild, c.detail || (c.ok ? 'OK' : 'failing'));
    });
}

// The search for a task; the address keeps its id. An open story is followed to its end.

import { go, keep, kept } from './address.js';
import { get } from './answer.js';
import { byId } from './dom.js';
import { begin, fail, showStory } from './storyview.js';
import { onZone } from './time.js';

// Reading Kafka's records of a task is too expensive for every page every few seconds: a
// page reads them less and less often.
const often = 2000; // ms between two requests to the instance's memory
const seldom = [10_000, 20_000, 40_000, 60_000]; // and to the topics

const section = byId('story');
let task = ''; // the task that is shown
let known = null; // what is known about it
let asked = 0; // counts searches: answers to earlier ones are ignored
let asking = false; // a request is in flight
let looked = 0; // time of the last request
let failed = false; // there was no answer, and there may be one later
let lost = false; // the memory has nothing new; the topics may have
let due = 0; // when the topics may be read again
let reads = 0; // how often they were read since the memory had something new

// open shows a task's story.
export function open(given) {
  const id = given.toWellFormed?.() ?? given;
  // An invalid id is not kept in the address.
  if (kept('task') === id || unfit(id)) start(id);
  else go({ task: id });
}

// unfit says why a text cannot be a task id; the service checks it again.
function unfit(id) {
  const bytes = new TextEncoder().encode(id).length;
  return bytes > 128 ? `It has ${bytes.toLocaleString('en-US')} bytes; a task's id has 128 at most.` : '';
}

function start(id) {
  asked++;
  [task, known, asking, failed] = [id, null, false, false];
  begin(id);
  const why = unfit(id);
  if (why) fail('This cannot be the id of a task', why);
  else attend(first);
}

// attend lets only one request run at a time.
async function attend(question) {
  const number = asked;
  const current = () => number === asked;
  asking = true;
  try {
    await question(current);
  } catch (error) {
    // While a story is followed, another part of the page shows that there is no answer.
    if (current() && !known) {
      fail('No answer', error.message);
      failed = !(error.status < 500);
    }
  }
  if (current()) [asking, looked] = [false, Date.now()];
}

// ask requests what the instance remembers, which is fast, or also what is in the topics,
// which takes seconds. The id is not in the path, because browsers interpret some ids as
// parts of it.
const ask = (topics) => get(`api/tasks/?id=${encodeURIComponent(task)}${topics ? '' : '&topics=false'}`);

const answering = (t) => t.stories.some((s) => !s.outcome);

// remembered counts the stories that the instance has, shown or not.
const remembered = (t) => t.stories.length + t.stories_left_out;

// waits: the task has no answer yet, or nothing is known about it because the topics were
// not read.
const waits = (t) => answering(t) || ['in_topic', 'given_up'].includes(t.verdict.code) || !t.topics && t.stories.length === 0;

async function first(current) {
  failed = false;
  const here = await ask(false);
  if (!current()) return;
  if (here.stories.length > 0) showStory(here, true); // otherwise there is no verdict yet
  const all = await ask(true);
  if (!current()) return;
  show(all);
  [lost, due, reads] = [!answering(all), Date.now() + seldom[0], 1];
}

function show(answer) {
  known = answer;
  showStory(known, false);
}

// storyChanged requests the story again now and then while the task has no answer.
export function storyChanged() {
  if (section.hidden || asking || Date.now() - looked < often) return;
  if (failed) attend(first);
  else if (known && waits(known)) attend(follow);
}

// follow requests the memory. If that has lost the event, after a restart or when another
// instance has taken over the partition, it reads the topics.
async function follow(current) {
  const here = await ask(false);
  if (!current()) return;
  const { topics, topics_problem, owner, instance } = known;
  const gone = ['given_up', 'not_known_here'].includes(here.verdict.code);
  if (answering(here) || !gone && remembered(here) >= remembered(known) + (answering(known) ? 0 : 1)) {
    lost = false;
    return show({ ...here, topics, topics_problem, owner: owner?.here && here.instance === instance ? owner : null });
  }
  if (!lost) [lost, due, reads] = [true, 0, 0];
  if (Date.now() < due) return;
  due = Date.now() + seldom[Math.min(reads++, seldom.length - 1)];
  const all = await ask(true);
  // If the topics cannot be read now, their last contents stay.
  if (current() && (all.topics || !topics)) show(all);
}

function hide() {
  asked++;
  [task, known] = ['', null];
  section.hidden = true;
}

function close() {
  hide();
  keep({ task: '' });
  byId('task').focus();
}

function readAddress() {
  const id = kept('task');
  if (!id) hide(); // the browser's Back
  else if (id !== task) start(id); // otherwise a filter has changed
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
onZone(() => known && showStory(known, false));
window.addEventListener('hashchange', readAddress);
readAddress();

// The search for a task, whose id the address keeps. A story that is left open is
// followed to its end.

import { go, keep, kept } from './address.js';
import { get } from './answer.js';
import { byId } from './dom.js';
import { begin, fail, tell } from './tell.js';
import { onZone } from './time.js';

// Kafka's records of a task can be read for all who ask, but not by each every few
// seconds: a page that has to, does so less and less often.
const often = 2000; // ms between two looks into the instance's memory
const seldom = [10_000, 20_000, 40_000, 60_000]; // and into the topics

const section = byId('story');
let task = ''; // the one that is shown
let told = null; // what is known of it
let asked = 0; // counts the tasks that were asked for: only the last one's answers count
let asking = false; // an answer is under way
let looked = 0; // when it was asked last
let failed = false; // there was no answer, and there may be one later
let lost = false; // the memory has nothing new to tell, the topics may
let due = 0; // when they may be read again
let reads = 0; // how often they were since then

// open shows a task's story.
export function open(given) {
  const id = given.toWellFormed?.() ?? given;
  // What can be no id has no place in the address.
  if (kept('task') === id || unfit(id)) start(id);
  else go({ task: id });
}

// unfit says why something can be no task's id; the service has the last word.
function unfit(id) {
  const bytes = new TextEncoder().encode(id).length;
  return bytes > 128 ? `It has ${bytes.toLocaleString('en-US')} bytes; a task's id has 128 at most.` : '';
}

function start(id) {
  asked++;
  [task, told, asking, failed] = [id, null, false, false];
  begin(id);
  const why = unfit(id);
  if (why) fail('This cannot be the id of a task', why);
  else attend(first);
}

// attend has one question asked at a time.
async function attend(question) {
  const number = asked;
  const current = () => number === asked;
  asking = true;
  try {
    await question(current);
  } catch (error) {
    // While a story is followed the page says elsewhere that nobody answers.
    if (current() && !told) {
      fail('No answer', error.message);
      failed = !(error.status < 500);
    }
  }
  if (current()) [asking, looked] = [false, Date.now()];
}

// ask is answered at once from what the instance remembers, or within some seconds
// from the topics, too. The id does not stand in the path, of which browsers take
// some ids for parts.
const ask = (topics) => get(`api/tasks/?id=${encodeURIComponent(task)}${topics ? '' : '&topics=false'}`);

const answering = (t) => t.stories.some((s) => !s.outcome);

// remembered counts the stories that the instance remembers, told or not.
const remembered = (t) => t.stories.length + t.stories_left_out;

// waits: the task has no answer, or nothing is known of it for want of the topics.
const waits = (t) => answering(t) || ['in_topic', 'given_up'].includes(t.verdict.code) || !t.topics && t.stories.length === 0;

async function first(current) {
  failed = false;
  const here = await ask(false);
  if (!current()) return;
  if (here.stories.length > 0) tell(here, true); // else it is not worth a verdict yet
  const all = await ask(true);
  if (!current()) return;
  show(all);
  [lost, due, reads] = [!answering(all), Date.now() + seldom[0], 1];
}

function show(answer) {
  told = answer;
  tell(told, false);
}

// storyChanged looks again, now and then, while the task has no answer.
export function storyChanged() {
  if (section.hidden || asking || Date.now() - looked < often) return;
  if (failed) attend(first);
  else if (told && waits(told)) attend(follow);
}

// follow asks the memory. Where that has lost the event, after a restart or when
// the partition has gone to another instance, the topics know what became of it.
async function follow(current) {
  const here = await ask(false);
  if (!current()) return;
  const { topics, topics_problem, owner, instance } = told;
  const gone = ['given_up', 'not_known_here'].includes(here.verdict.code);
  if (answering(here) || !gone && remembered(here) >= remembered(told) + (answering(told) ? 0 : 1)) {
    lost = false;
    return show({ ...here, topics, topics_problem, owner: owner?.here && here.instance === instance ? owner : null });
  }
  if (!lost) [lost, due, reads] = [true, 0, 0];
  if (Date.now() < due) return;
  due = Date.now() + seldom[Math.min(reads++, seldom.length - 1)];
  const all = await ask(true);
  // Topics that could not be read say nothing against what they told before.
  if (current() && (all.topics || !topics)) show(all);
}

function hide() {
  asked++;
  [task, told] = ['', null];
  section.hidden = true;
}

function close() {
  hide();
  keep({ task: '' });
  byId('task').focus();
}

function readAddress() {
  const id = kept('task');
  if (!id) hide(); // as the browser's Back does
  else if (id !== task) start(id); // else a filter has changed
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
onZone(() => told && tell(told, false));
window.addEventListener('hashchange', readAddress);
readAddress();

// Follows the stream of documents and hands them out. A page that is left open
// over a restart, or a night, finds back by itself.

import { onPlainClick } from './address.js';
import { complaint } from './answer.js';
import { showChanges } from './changes.js';
import { byId, put } from './dom.js';
import './instances.js';
import { showNothing, showSilence, showStatus } from './view.js';
import { showFlow } from './flow.js';
import { showHistory } from './plot.js';
import { showLatest } from './latest.js';
import { storyChanged } from './story.js';
import { showRetries } from './retries.js';
import { clock } from './time.js';

const silent = 4000; // ms without a word: a second is usual
const dead = 10_000; // ms after which nobody who glances at the page may think that all is well
const again = 2000; // ms until the next attempt
const full = 10_000; // the same where there is no place for this page

let source = null;
let heard = 0; // when the last document came
let looked = Date.now(); // since when somebody looks
let refused = ''; // why there is no stream, where somebody says so
let version = '';
let retry = 0;

const takers = {
  status(status) {
    // Another version has another page.
    if (version && version !== status.version) location.reload();
    version = status.version;
    showStatus(status);
    showFlow(status);
    showRetries(status);
    storyChanged();
  },
  history: showHistory,
  latest: showLatest,
  changes: showChanges,
};

function connect() {
  clearTimeout(retry);
  if (source) source.close();
  source = new EventSource('api/events');
  for (const [name, take] of Object.entries(takers)) {
    source.addEventListener(name, (event) => {
      heard = Date.now();
      refused = '';
      connected();
      take(JSON.parse(event.data));
    });
  }
  // The browser tries again by itself, but not where it was answered with an
  // error: a proxy says so while the service is away.
  source.addEventListener('error', async () => {
    if (source.readyState !== EventSource.CLOSED) return;
    clearTimeout(retry);
    const mine = source;
    const why = await reason();
    if (mine !== source || document.hidden) return;
    refused = why;
    connected();
    retry = setTimeout(connect, why ? full : again);
  });
}

// reason asks why there is no stream: an EventSource does not tell what it was
// answered with. Empty: there is one by now, or nobody answers, or not the service.
async function reason() {
  try {
    const answer = await fetch('api/events');
    if (answer.status === 503) return await complaint(answer);
    await answer.body.cancel();
  } catch {
    // nobody answers, which the silence tells
  }
  return '';
}

// connected says whether what the page shows is the present.
function connected() {
  const now = Date.now();
  const quiet = now - heard > silent;
  document.body.classList.toggle('stale', quiet);
  put(byId('connection'), !quiet ? 'live' : heard
    ? `no word since ${clock(heard)}: what you see is old`
    : 'connecting…');
  if (refused || now - Math.max(heard, looked) > dead) showSilence(heard, refused);
}

// A browser opens six connections to one address: pages nobody looks at must not
// keep them. What such a page said last must not stand in its tab as if it were
// still so.
document.addEventListener('visibilitychange', () => {
  looked = Date.now();
  if (!document.hidden) return connect();
  clearTimeout(retry);
  if (source) source.close();
  showNothing();
});

// The address keeps the open task: this link must not change it.
onPlainClick(document.querySelector('.skip'), () => byId('main').focus());

setInterval(() => document.hidden || connected(), 1000);
connect();

// Follows the stream of documents and hands them out. An open page recovers by itself from
// a restart of the service, or of the computer.

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

const staleAfter = 4000; // ms without a document; usual is one second
const silentAfter = 10_000; // ms after which the page must not look healthy any more
const retryAfter = 2000; // ms until the next attempt
const retryIfFull = 10_000; // the same after a 503, such as for too many pages

let source = null;
let receivedAt = 0; // when the last document came
let visibleSince = Date.now(); // since when the tab has been visible
let refused = ''; // why there is no stream, if the service or a proxy says so
let version = '';
let retry = 0;

const handlers = {
  status(status) {
    // A new version has a new page.
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
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => {
      receivedAt = Date.now();
      refused = '';
      connected();
      handle(JSON.parse(event.data));
    });
  }
  // The browser reconnects by itself, but not after an error answer, which a proxy gives
  // while the service is down.
  source.addEventListener('error', async () => {
    if (source.readyState !== EventSource.CLOSED) return;
    clearTimeout(retry);
    const mine = source;
    const why = await reason();
    if (mine !== source || document.hidden) return;
    refused = why;
    connected();
    retry = setTimeout(connect, why ? retryIfFull : retryAfter);
  });
}

// reason finds out why there is no stream: an EventSource does not show the answer. Empty:
// there is a stream by now, or no answer, or an error other than 503.
async function reason() {
  try {
    const answer = await fetch('api/events');
    if (answer.status === 503) return await complaint(answer);
    await answer.body.cancel();
  } catch {
    // no answer; showSilence says so
  }
  return '';
}

// connected shows whether the page's data is current.
function connected() {
  const now = Date.now();
  const stale = now - receivedAt > staleAfter;
  document.body.classList.toggle('stale', stale);
  put(byId('connection'), !stale ? 'live' : receivedAt
    ? `no data since ${clock(receivedAt)}: this page is out of date`
    : 'connecting…');
  if (refused || now - Math.max(receivedAt, visibleSince) > silentAfter) showSilence(receivedAt, refused);
}

// A browser opens at most six connections to one address: hidden tabs must not keep theirs.
// The title of such a tab must not show an old state.
document.addEventListener('visibilitychange', () => {
  visibleSince = Date.now();
  if (!document.hidden) return connect();
  clearTimeout(retry);
  if (source) source.close();
  showNothing();
});

// The address keeps the open task: this link must not change it.
onPlainClick(document.querySelector('.skip'), () => byId('main').focus());

setInterval(() => document.hidden || connected(), 1000);
connect();

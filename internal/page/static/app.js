// Follows the stream of documents and hands them out. A page that is left open
// over a restart, or a night, finds back by itself.

import { byId, put } from './dom.js';
import { showStatus } from './view.js';
import { showFlow } from './flow.js';
import { showHistory } from './plot.js';
import { showLatest } from './latest.js';
import { storyChanged } from './story.js';

const silent = 4000; // ms without a word: a second is usual
const again = 2000; // ms until the next attempt

let source = null;
let heard = 0; // when the last document came
let version = '';
let retry = 0;

const takers = {
  status(status) {
    // Another version has another page.
    if (version && version !== status.version) location.reload();
    version = status.version;
    showStatus(status);
    showFlow(status);
    storyChanged(status);
  },
  history: showHistory,
  latest: showLatest,
};

function connect() {
  clearTimeout(retry);
  if (source) source.close();
  source = new EventSource('/api/events');
  for (const [name, take] of Object.entries(takers)) {
    source.addEventListener(name, (event) => {
      heard = Date.now();
      connected();
      take(JSON.parse(event.data));
    });
  }
  // The browser tries again by itself, but not where it was answered with an
  // error: a proxy says so while the service is away.
  source.addEventListener('error', () => {
    if (source.readyState !== EventSource.CLOSED) return;
    clearTimeout(retry);
    retry = setTimeout(connect, again);
  });
}

// connected says whether what the page shows is the present.
function connected() {
  const quiet = Date.now() - heard > silent;
  document.body.classList.toggle('stale', quiet);
  put(byId('connection'), !quiet ? 'live' : heard
    ? `not answering since ${new Date(heard).toISOString().slice(11, 19)}: what you see is old`
    : 'connecting…');
}

// A browser opens six connections to one address: pages nobody looks at must not
// keep them.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) return connect();
  clearTimeout(retry);
  if (source) source.close();
});

setInterval(connected, 1000);
connect();

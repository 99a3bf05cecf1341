// The states of the last hours, newest first.

import { byId, duration, list, make, put, set } from './dom.js';
import { clock, inZone, onZone } from './time.js';
import { moods } from './view.js';

let shown = [];

function show() {
  const rows = shown.map((change, i) => ({ ...change, until: i ? Date.parse(shown[i - 1].at) : 0 }));
  list(byId('changes'), rows, (c) => `${c.at}/${c.name}`,
    () => make('li', {}, make('time'), make('span', { class: 'what' }), make('span', { class: 'muted' })),
    (item, c) => {
      set(item, { 'data-mood': moods[c.name] || 'calm' });
      const [time, what, long] = item.children;
      set(time, { datetime: c.at });
      put(time, clock(c.at));
      put(what, inZone(c.title, c.at));
      put(long, c.until ? `for ${duration((c.until - Date.parse(c.at)) / 1000)}` : 'now');
    });
}

export function showChanges(changes) {
  shown = changes.changes;
  show();
}

onZone(show);

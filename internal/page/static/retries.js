// The results of the accepted retries of the latest 24 hours that have any, by hour, latest
// first. It is shown only if the service reads reports of success.

import { byId, list, make, number, put } from './dom.js';
import { clock, onZone } from './time.js';

const counts = ['accepted', 'recovered', 'failed_again', 'recent', 'not_heard_of'];

let hours = [];
let now = 0;

function show() {
  byId('retries').hidden = hours.length === 0;
  list(byId('retries-rows'), hours, (hour) => hour.from,
    () => make('tr', {}, make('td', { class: 'time' }), ...counts.map(() => make('td', { class: 'number' }))),
    (row, hour) => {
      put(row.firstElementChild, clock(hour.from, now).slice(0, -3)); // an hour has no seconds
      counts.forEach((name, i) => put(row.children[i + 1], number(hour[name])));
    });
}

export function showRetries(status) {
  hours = (status.retries_by_hour || []).slice(-24).reverse();
  now = status.at;
  show();
}

onZone(show);

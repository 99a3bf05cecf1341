// What became of the accepted retries, hour by hour, the latest first. Only where the
// service is told of tasks that succeed.

import { byId, clock, list, make, number, put } from './dom.js';

const counts = ['accepted', 'recovered', 'failed_again', 'not_heard_of'];

function update(row, hour) {
  counts.forEach((name, i) => put(row.children[i + 1], number(hour[name])));
}

export function showRetries(status) {
  const hours = (status.retries_by_hour || []).slice(-24).reverse();
  byId('retries').hidden = hours.length === 0;
  list(byId('retries-rows'), hours, (hour) => hour.from,
    (hour) => make('tr', {}, make('td', { class: 'time' }, clock(hour.from, status.at)), ...counts.map(() => make('td', { class: 'number' }))),
    update);
}

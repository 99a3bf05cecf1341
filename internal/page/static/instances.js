// The other instances of the group, and the way to their pages.

import { get } from './answer.js';
import { byId, list, make, put, set, show } from './dom.js';

const every = 30_000; // ms between two looks
let own = '';

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const domain = (name) => name.split('.').slice(1).join('.');

// pageOf is another instance's page: where the end of our own name stands in this
// page's address, the other's name stands in that one's. Empty: it does not. The names
// come from the group, where anybody may have any: one that is no plain name, or is of
// another domain than ours, leads nowhere.
export function pageOf(name, mine = own, here = location.host + location.pathname) {
  if (!mine || mine === name || !/^[\w.-]+$/.test(name) || domain(name) !== domain(mine)) return '';
  let same = 0;
  while (same < Math.min(mine.length, name.length) && mine[same] === name[same]) same++;
  for (let from = 0; from <= same && /[a-z]/i.test(mine.slice(from)); from++) { // a number alone is in any address
    const part = new RegExp(`(^|[/.])${escaped(mine.slice(from))}(?=[/.:]|$)`);
    if (part.test(here) && name.slice(from)) return `${location.protocol}//${here.replace(part, (whole, before) => before + name.slice(from))}`;
  }
  return '';
}

// nameOf is an instance's name, as a link where there is one; hash is kept.
export function nameOf(name, hash = '') {
  const page = pageOf(name);
  return page ? make('a', { href: page + hash }, name) : make('span', {}, name);
}

async function look() {
  let all = [];
  try {
    all = (await get('api/instances')).instances;
  } catch {
    return; // the checks say what is wrong
  }
  own = all.find((one) => one.here)?.instance || '';
  const others = all.filter((one) => !one.here);
  show(byId('others-title'), others.length ? 'Other instances' : '');
  list(byId('others'), others, (one) => one.instance,
    (one) => make('li', {}, nameOf(one.instance), ' ', make('span', { class: 'muted' })),
    (item, one) => put(item.lastElementChild, one.partitions.length ? `partition${one.partitions.length === 1 ? '' : 's'} ${one.partitions.join(', ')}` : 'no partition'));
  set(byId('others'), { 'aria-label': 'Other instances' });
}

look();
setInterval(() => document.hidden || look(), every);

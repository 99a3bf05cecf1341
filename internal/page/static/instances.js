// The other instances of the group, with links to their pages.

import { get } from './answer.js';
import { byId, list, make, put, set, show } from './dom.js';

const every = 30_000; // ms between two requests
let own = '';

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const domain = (name) => name.split('.').slice(1).join('.');

// pageOf returns the address of another instance's page: this page's address, with the end
// of our own name replaced by the end of the other's. Empty: our name is not in the
// address. Any client can join the group with any name, so there is no link for a name that
// is not a plain host name, or is of another domain.
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

// nameOf returns an instance's name, as a link if possible; the hash is kept.
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

// Times, in UTC as the log has them, or in the reader's own zone. The browser remembers
// which.

import { byId, put } from './dom.js';

const listeners = [];
let local = false;
try {
  local = localStorage.getItem('times') === 'local';
} catch {
  // a browser that keeps nothing
}

const offset = (at) => (local ? -at.getTimezoneOffset() : 0); // minutes east of UTC

// iso is like a time's own toISOString, but for the zone.
const iso = (at) => new Date(at.getTime() + offset(at) * 60_000).toISOString();

// name is the zone's at a time: UTC, or UTC+08:00.
function name(at = new Date()) {
  const minutes = offset(at);
  if (!local) return 'UTC';
  const two = (n) => String(Math.floor(n)).padStart(2, '0');
  return `UTC${minutes < 0 ? '−' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

// clock is a time of day, with the day where that is not today's. A time before 2000 means
// that the record has none. One that no clock shows is given as it is: producers write what
// they like.
export function clock(time, now = new Date()) {
  const at = new Date(time);
  if (isNaN(at) || at.getUTCFullYear() > 9998) return String(time);
  if (at.getUTCFullYear() < 2000) return 'no time';
  const text = iso(at);
  const today = iso(new Date(now)).slice(0, 10);
  return (text.startsWith(today) ? '' : text.slice(5, 10) + ' ') + text.slice(11, 19);
}

// minute is a time of day without its seconds.
export const minute = (at) => iso(new Date(at)).slice(11, 16);

const spoken = /(\d{4}-\d\d-\d\d )?(\d\d:\d\d:\d\d)(?:\.\d+)? UTC/g;
const day = 86_400_000;

// told is a sentence of the service's with its times in the zone. Where it gives no
// day, that is the one which brings the time nearest to another.
export function told(text, near = new Date()) {
  if (!local || !text) return text;
  return text.replace(spoken, (whole, date, time) => {
    let at = new Date(`${date ? date.trim() : new Date(near).toISOString().slice(0, 10)}T${time}Z`);
    if (isNaN(at)) return whole;
    const away = at - new Date(near);
    if (!date && Math.abs(away) > day / 2) at = new Date(at.getTime() - Math.sign(away) * day);
    return `${date ? iso(at).slice(0, 10) + ' ' : ''}${iso(at).slice(11, 19)} ${name(at)}`;
  });
}

// onZone has something shown anew when the zone changes.
export const onZone = (show) => listeners.push(show);

const choice = byId('zone');

function show() {
  choice.value = local ? 'local' : 'utc';
  put(byId('time-head'), `Time, ${name()}`);
  put(byId('retries-head'), `From, ${name()}`);
}

choice.addEventListener('change', () => {
  local = choice.value === 'local';
  try {
    localStorage.setItem('times', choice.value);
  } catch {
    // it is so until the page is left
  }
  show();
  for (const one of listeners) one();
});
show();

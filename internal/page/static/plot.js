// The last hour: answers a minute as stacked bars, and the answer times as two lines on a
// logarithmic scale, or a dot for each answer if there are few.

import { byId, draw, duration, list, make, number, put, scale, set } from './dom.js';
import { clock, minute, onZone } from './time.js';

let margin = { left: 52, right: 6, top: 8, bottom: 20 }; // px, at the usual font size
const kinds = [['retried', 'retried'], ['retry_failed', 'retry_failed'], ['dead_letter', 'dead letters']];
let shown = null;

// minutes adds up the points by minutes of the clock, oldest first; the last minute is not
// over yet.
function minutes(h) {
  const until = Date.parse(h.until) / 1000;
  const last = Math.floor((until - 1) / 60);
  const all = Array.from({ length: 60 }, (_, i) => ({ minute: last - 59 + i, retried: 0, retry_failed: 0, dead_letter: 0 }));
  for (let i = 0; i < h.retried.length; i++) {
    const end = until - (h.retried.length - 1 - i) * h.every_seconds;
    const bar = all[Math.floor((end - 1) / 60) - last + 59];
    if (bar) for (const [kind] of kinds) bar[kind] += h[kind][i];
  }
  return all;
}

// ceiling is the next 1, 2 or 4 times a power of ten, so that half of it is a whole number.
function ceiling(x) {
  const power = 10 ** Math.floor(Math.log10(Math.max(10, x)));
  return x <= 4 ? 4 : [1, 2, 4, 10].map((n) => n * power).find((n) => n >= x);
}

function frame(width, tall, ticks, y, minuteAt) {
  const picture = draw('svg', { width, height: tall, viewBox: `0 0 ${width} ${tall}`, 'aria-hidden': 'true' });
  for (const [value, text] of ticks) {
    picture.append(draw('line', { class: 'grid-line', x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
      draw('text', { class: 'tick', x: margin.left - 8, y: y(value) + 4 * scale(), 'text-anchor': 'end' }, text));
  }
  // Quarters of an hour, or half hours if large letters leave no room.
  const every = width - margin.left - margin.right < 4 * 44 * scale() ? 30 : 15;
  for (let at = Math.ceil((minuteAt - 60) / every) * every; at <= minuteAt; at += every) {
    const x = margin.left + (width - margin.left - margin.right) * (1 - (minuteAt - at) / 60);
    const anchor = x - margin.left < 16 * scale() ? 'start' : width - x < 20 * scale() ? 'end' : 'middle';
    picture.append(draw('text', { class: 'tick', x, y: tall - 4 * scale(), 'text-anchor': anchor }, minute(at * 60_000)));
  }
  return picture;
}

function legend(parent, entries, when) {
  let box = parent.querySelector('.legend');
  if (!box) parent.append(box = make('p', { class: 'legend' }, make('span', { class: 'when muted' }), make('span', { class: 'keys' })));
  put(box.querySelector('.when'), when);
  list(box.querySelector('.keys'), entries, ([name, label]) => `${name}/${label}`,
    ([name, label]) => make('span', { class: 'key', 'data-outcome': name }, make('i'), label + ' ', make('b')),
    (key, [, , value]) => put(key.querySelector('b'), value));
}

// replace replaces the picture and keeps the legend.
function replace(parent, picture) {
  const old = parent.querySelector('svg');
  if (old) old.replaceWith(picture);
  else parent.prepend(picture);
}

function throughput(parent, h) {
  const width = Math.floor(parent.clientWidth);
  const tall = 150;
  const all = minutes(h);
  const total = (bar) => bar.retried + bar.retry_failed + bar.dead_letter;
  const top = ceiling(Math.max(...all.map(total), 4));
  const y = (n) => margin.top + (tall - margin.top - margin.bottom) * (1 - n / top);
  const step = (width - margin.left - margin.right) / 60;
  const picture = frame(width, tall, [0, top / 2, top].map((n) => [n, number(n)]), y, all[59].minute + 1);
  all.forEach((bar, i) => {
    let below = 0;
    for (const [kind] of kinds) {
      if (!bar[kind]) continue;
      picture.append(draw('rect', { 'data-outcome': kind, x: (margin.left + i * step + 0.5).toFixed(1), width: Math.max(1, step - 1).toFixed(1), y: y(below + bar[kind]).toFixed(1), height: Math.max(0.5, y(below) - y(below + bar[kind])).toFixed(1) }));
      below += bar[kind];
    }
  });
  const describe = (i) => legend(parent, kinds.map(([kind, label]) => [kind, label, number(all[i][kind])]), minute(all[i].minute * 60_000));
  replace(parent, picture);
  readThroughput(picture, total(all[58]) ? 58 : 59, describe, all[59].minute); // usually the last complete minute
}

const axis = [[0.001, '1 ms'], [0.01, '10 ms'], [0.1, '100 ms'], [1, '1 s'], [10, '10 s'], [60, '1 min'], [600, '10 min'], [3600, '1 h'], [36_000, '10 h'], [360_000, '100 h'], [Infinity, '']];

function times(parent, h) {
  const width = Math.floor(parent.clientWidth);
  const tall = 230; // the list of reasons beside it is long
  const answers = h.answers_seconds;
  const known = [...h.p50_seconds, ...h.p99_seconds, ...answers.flat()].filter((x) => x !== null && x > 0);
  const low = axis.findLast(([x]) => x <= Math.max(0.001, Math.min(...known, 0.1)))[0];
  const high = Math.min(360_000, axis.find(([x]) => x >= Math.max(...known, 1))[0]);
  const log = (x) => Math.log(x / low) / Math.log(high / low);
  const y = (x) => margin.top + (tall - margin.top - margin.bottom) * (1 - Math.max(0, log(Math.max(x, low))));
  const count = h.p50_seconds.length;
  const x = (i) => width - margin.right - (width - margin.left - margin.right) * (count - 1 - i) / 359;
  const picture = frame(width, tall, axis.filter(([t]) => t >= low && t <= high), y, Math.floor(Date.parse(h.until) / 60_000));
  for (const name of ['p99', 'p50']) {
    let d = '';
    let pen = 'M';
    h[`${name}_seconds`].forEach((t, i) => {
      if (t === null) pen = 'M';
      else {
        d += `${pen}${x(i).toFixed(1)} ${y(t).toFixed(1)}${pen === 'M' ? 'h0.01' : ''}`; // so that a single point is visible
        pen = 'L';
      }
    });
    picture.append(draw('path', { class: 'line', 'data-outcome': name, d, fill: 'none' }));
  }
  // Few answers have no quantiles and are shown one by one.
  answers.forEach((list, i) => list.forEach((t) => picture.append(draw('circle', { class: 'dot', cx: x(i).toFixed(1), cy: y(t).toFixed(1), r: 2.5 }))));
  const value = (t) => (t === null || t === undefined ? '–' : duration(t));
  const describe = (i) => {
    const at = count - 360 + i;
    const list = answers[at] || [];
    const entries = h.p50_seconds[at] == null && list.length
      ? [['few', list.length === 1 ? 'the only answer took' : `${list.length} answers took`, list.map(duration).join(', ')]]
      : [['p50', 'half of them within', value(h.p50_seconds[at])], ['p99', '99 in 100 within', value(h.p99_seconds[at])]];
    legend(parent, entries, clock(Date.parse(h.until) - (359 - i) * h.every_seconds * 1000, h.until));
  };
  replace(parent, picture);
  const last = Math.max(h.p50_seconds.findLastIndex((t) => t !== null), answers.findLastIndex((list) => list.length > 0));
  readTimes(picture, 360 - count + Math.max(0, last), describe, Math.round(Date.parse(h.until) / 1000 / h.every_seconds));
}

// reader shows the values of one point of a plot: the one chosen by pointer, finger or
// arrow keys, else the default. A chosen point moves with the picture. To assistive
// technology the plot is a slider through the hour.
function reader(id, steps) {
  const box = byId(id);
  let chosen = null;
  let picture = null;
  let usual = 0;
  let describe = null;
  let end = 0; // the last point's number, counted from 1970
  const show = () => {
    const i = chosen ?? usual;
    describe(i);
    picture.querySelector('.mark')?.remove();
    const x = margin.left + (Number(picture.getAttribute('width')) - margin.left - margin.right) * (i + 0.5) / steps;
    if (chosen !== null) picture.append(draw('line', { class: 'mark', x1: x, x2: x, y1: margin.top, y2: picture.getAttribute('height') - margin.bottom }));
    set(box, { 'aria-valuemin': 0, 'aria-valuemax': steps - 1, 'aria-valuenow': i, 'aria-valuetext': box.querySelector('.legend').textContent });
  };
  const choose = (i) => {
    if (!describe) return; // no data yet
    chosen = i === null ? null : Math.min(steps - 1, Math.max(0, i));
    show();
  };
  const point = (event) => {
    if (!picture?.contains(event.target)) return;
    const at = picture.getBoundingClientRect();
    choose(Math.floor((event.clientX - at.left - margin.left) / (at.width - margin.left - margin.right) * steps));
  };
  box.addEventListener('pointermove', point);
  box.addEventListener('pointerdown', point);
  box.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && choose(null)); // a finger leaves the screen before the eye can read
  box.addEventListener('blur', () => choose(null));
  box.addEventListener('keydown', (event) => {
    const one = steps / 60; // a minute
    const by = { ArrowLeft: -one, ArrowDown: -one, ArrowRight: one, ArrowUp: one, PageDown: -10 * one, PageUp: 10 * one, Home: -steps, End: steps }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose((chosen ?? usual) + by);
  });
  return (newPicture, newUsual, newDescribe, newEnd) => {
    if (chosen !== null) chosen = Math.min(steps - 1, Math.max(0, chosen - (newEnd - end)));
    [picture, usual, describe, end] = [newPicture, newUsual, newDescribe, newEnd];
    show();
  };
}

const readThroughput = reader('throughput', 60);
const readTimes = reader('times', 360);

export function showHistory(h) {
  shown = h;
  margin = { ...margin, left: 52 * scale(), top: 8 * scale(), bottom: 20 * scale() };
  throughput(byId('throughput'), h);
  times(byId('times'), h);
}

const again = () => shown && showHistory(shown);
onZone(again);
const watch = new ResizeObserver(again);
watch.observe(byId('throughput'));
watch.observe(byId('times'));
watch.observe(byId('times-title')); // its height changes with the size of the letters

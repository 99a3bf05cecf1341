// The picture of the flow: what is unanswered, what of it waits, calls in flight, and the
// outcomes. Unreadable records go straight to the dead letters.

import { byId, draw, duration, list, number, put, scale, set, short } from './dom.js';

const nodes = {
  unanswered: 'Unanswered', waiting: 'Waiting', calls: 'In flight',
  retried: 'retried', retry_failed: 'retry_failed', dead_letter: 'dead letters',
};
const edges = [['unanswered', 'waiting'], ['waiting', 'calls'], ['calls', 'retried'], ['calls', 'retry_failed'], ['unanswered', 'dead_letter']];

// places returns the left upper corners of the boxes, for the available width, the font
// size, and the lines of small print that are needed. If the boxes are narrow, each part of
// the small print has a line of its own (apart), and there is room for three. Everything is
// one pixel inside, so that no edge is cut.
function places(width, needed) {
  const k = scale();
  const [line, border] = [13 * k, 1];
  const room = width - 2 * border;
  if (room < 330 * k) { // large letters on a small screen: boxes one below the other
    const lines = needed;
    const [height, gap] = [66 * k + (lines - 1) * line, 14];
    const at = Object.fromEntries(Object.keys(nodes).map((name, i) => [name, [border, border + i * (height + gap)]]));
    return { k, line, width, w: room, height, lines, apart: false, h: at.dead_letter[1] + height + border, narrow: true, at };
  }
  if (room < 620 * k) {
    const gap = 12;
    const w = (room - 2 * gap) / 3;
    const lines = Math.max(3, needed);
    const height = 66 * k + (lines - 1) * line;
    const low = border + height + 72;
    const x = [0, 1, 2].map((i) => border + i * (w + gap));
    return {
      k, line, width, w, height, lines, apart: true, h: low + height + border, narrow: true,
      at: { unanswered: [x[0], border], waiting: [x[1], border], calls: [x[2], border], dead_letter: [x[0], low], retry_failed: [x[1], low], retried: [x[2], low] },
    };
  }
  const w = Math.min(220 * k, (room - 150) / 4);
  const apart = w < 200 * k;
  const lines = Math.max(apart ? 3 : 1, needed);
  const height = 66 * k + (lines - 1) * line;
  const step = (room - w) / 3;
  const x = [0, 1, 2, 3].map((i) => border + i * step);
  const y = [0, 1, 2].map((i) => border + i * (height + 14));
  const middle = (y[0] + y[1]) / 2;
  return {
    k, line, width, w, height, lines, apart, h: y[2] + height + border, narrow: false,
    at: { unanswered: [x[0], middle], waiting: [x[1], middle], calls: [x[2], middle], retried: [x[3], y[0]], retry_failed: [x[3], y[1]], dead_letter: [x[3], y[2]] },
  };
}

function path(from, to, { w, height, narrow, at }) {
  const [x1, y1] = at[from];
  const [x2, y2] = at[to];
  if (narrow && y1 !== y2) { // downwards
    const [a, b] = [x1 + w / 2, x2 + w / 2];
    return `M${a} ${y1 + height}C${a} ${y1 + height + 40} ${b} ${y2 - 40} ${b} ${y2}`;
  }
  if (!narrow && to === 'dead_letter') { // below the others
    const a = x1 + w / 2;
    const y = y2 + height / 2;
    return `M${a} ${y1 + height}C${a} ${y} ${a + 20} ${y} ${a + 90} ${y}L${x2} ${y}`;
  }
  const [a, b] = [x1 + w, x2];
  const middle = (a + b) / 2;
  return `M${a} ${y1 + height / 2}C${middle} ${y1 + height / 2} ${middle} ${y2 + height / 2} ${b} ${y2 + height / 2}`;
}

let layout = null;
let shown = null;

function build(width, needed = 1) {
  layout = places(width, needed);
  const { k, w, h, height, at } = layout;
  const picture = draw('svg', { width, height: h, viewBox: `0 0 ${width} ${h}`, 'aria-hidden': 'true' });
  for (const [from, to] of edges) {
    picture.append(draw('path', { class: 'edge', 'data-edge': `${from}-${to}`, 'data-to': to, d: path(from, to, layout), fill: 'none' }));
  }
  for (const [name, label] of Object.entries(nodes)) {
    const [x, y] = at[name];
    picture.append(draw('g', { class: 'node', 'data-node': name, transform: `translate(${x} ${y})` },
      draw('rect', { width: w, height, rx: 10 }),
      draw('text', { class: 'label', x: 12, y: 20 * k }, label),
      draw('text', { class: 'count', x: 12, y: 42 * k }),
      draw('text', { class: 'more', x: 12, y: 55 * k })));
  }
  byId('flow').replaceChildren(picture);
}

const pen = document.createElement('canvas').getContext('2d');

// fit puts the parts of a box's small print into as few lines as its width allows.
function fit(parts) {
  if (layout.apart) return parts;
  const style = getComputedStyle(byId('flow').querySelector('.more'));
  pen.font = `${style.fontSize} ${style.fontFamily}`; // style.font is empty: the numbers are tabular
  const lines = [];
  for (const part of parts) {
    const longer = `${lines.at(-1)} · ${part}`;
    if (lines.length && pen.measureText(longer).width <= layout.w - 24) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

// small sets the small print of a box.
function small(node, lines) {
  list(node, lines, (text) => lines.indexOf(text), () => draw('tspan', { x: 12 }), (span, text) => {
    set(span, { dy: text === lines[0] ? 0 : layout.line });
    put(span, text);
  });
}

// sums adds up the reasons by outcome: since the start, and in the last minute.
function sums(s) {
  const counts = { retried: 0, retry_failed: 0, dead_letter: 0 };
  const lately = { ...counts };
  for (const o of s.outcomes) {
    if (!(o.outcome in counts)) continue;
    counts[o.outcome] += o.count;
    lately[o.outcome] += o.last_minute;
  }
  return [counts, lately];
}

function waitingFor(w) {
  const words = [];
  if (w.quota) words.push(`quota ${short(w.quota)}`);
  if (w.outage) words.push(`MPC ${short(w.outage)}`);
  if (w.kafka) words.push(`Kafka ${short(w.kafka)}`);
  if (w.backoff) words.push(`backoff ${short(w.backoff)}`);
  return words;
}

// lagExplained says why the lag is much larger than the number of unanswered events; else
// empty.
function lagExplained({ lag, lag_known: known, unanswered }) {
  const answered = lag - unanswered;
  if (!known || answered <= unanswered || answered < 10) return '';
  const open = `${number(unanswered)} event${unanswered === 1 ? ' is' : 's are'} unanswered`;
  return `The lag is ${number(lag)}, though only ${open}: Kafka counts from the oldest unanswered event, and ${number(answered)} records after it are answered already.`;
}

export function showFlow(s) {
  shown = s;
  if (!layout) return;
  const { flow, mpc } = s;
  const [counts, lately] = sums(s);
  const waiting = flow.waiting.quota + flow.waiting.outage + flow.waiting.backoff + flow.waiting.kafka;
  const atLeast = (n) => (flow.lag_known ? short(n) : n ? `≥ ${short(n)}` : '?');
  const age = flow.oldest_at ? [`oldest ${duration((Date.parse(s.at) - Date.parse(flow.oldest_at)) / 1000)}`] : [];
  const boxes = {
    unanswered: [atLeast(flow.unanswered), [...age, `lag ${atLeast(flow.lag)}`]],
    waiting: [short(waiting), waitingFor(flow.waiting)],
    calls: [short(flow.in_flight), [`${short(mpc.sent_last_minute)} /min`]],
  };
  for (const name in counts) boxes[name] = [short(counts[name]), [`${short(lately[name])} /min`]];
  const lines = Object.fromEntries(Object.entries(boxes).map(([name, [, parts]]) => [name, fit(parts)]));
  // The boxes grow, and do not shrink again: a picture that changes all the time is hard to read.
  const needed = Math.max(...Object.values(lines).map((all) => all.length));
  if (needed > layout.lines) build(layout.width, needed);
  for (const [name, [count]] of Object.entries(boxes)) {
    const g = byId('flow').querySelector(`[data-node=${name}]`);
    put(g.querySelector('.count'), count);
    small(g.querySelector('.more'), lines[name]);
  }
  put(byId('lag-text'), lagExplained(flow));
  const rates = { waiting: mpc.sent_last_minute, calls: mpc.sent_last_minute, ...lately };
  for (const edge of byId('flow').querySelectorAll('.edge')) {
    const rate = rates[edge.dataset.to];
    set(edge, { 'stroke-width': (1.5 + 2.2 * Math.log10(1 + rate)).toFixed(1) });
    edge.classList.toggle('moving', rate > 0);
  }
  const said = (n) => (flow.lag_known ? number(n) : n ? `at least ${number(n)}` : 'not known');
  set(byId('flow'), { 'aria-label': `unanswered: ${said(flow.unanswered)}, lag: ${said(flow.lag)}, ${number(waiting)} waiting, ${number(flow.in_flight)} calls in flight; ` +
    `since the start ${number(counts.retried)} retried, ${number(counts.retry_failed)} failed, ${number(counts.dead_letter)} dead letters` });
}

const watch = new ResizeObserver(() => {
  const width = Math.floor(byId('flow').clientWidth);
  if (width === 0) return; // before the page has its style or its window
  build(width, layout?.width === width && layout.k === scale() ? layout.lines : 1);
  if (shown) showFlow(shown);
});
watch.observe(byId('flow'));
watch.observe(byId('flow-title')); // its height changes with the size of the letters

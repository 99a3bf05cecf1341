// Puts texts and numbers into the page. All of them come from outside: ids and errors are
// set as text, never as markup.

export const byId = (id) => document.getElementById(id);

// plain makes control characters visible, and those that change the text direction, which
// could disguise a line. The service's log and its commands do the same.
export const plain = (text) => String(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu,
  (c) => [...Array(c.length).keys()].map((i) => '\\u' + c.charCodeAt(i).toString(16).padStart(4, '0')).join(''));

const children = (all) => all.map((child) => (child instanceof Node ? child : plain(child)));

// put changes a node's text only if it differs, so that nothing flickers, a selection
// stays, and a screen reader announces only changes.
export function put(node, text) {
  const safe = plain(text);
  if (node.textContent !== safe) node.textContent = safe;
}

// show sets a text, or hides the node if it is empty.
export function show(node, text) {
  node.hidden = !text;
  put(node, text || '');
}

export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
  return node;
}

export function make(tag, attributes = {}, ...content) {
  const node = set(document.createElement(tag), attributes);
  node.append(...children(content)); // strings become text nodes
  return node;
}

export function draw(tag, attributes = {}, ...content) {
  const node = set(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes);
  node.append(...children(content));
  return node;
}

// list keeps one child of the parent for each item, in the items' order. Existing children
// are updated, not replaced.
export function list(parent, items, key, create, update) {
  const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = present.get(name);
    present.delete(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of present.values()) child.remove();
}

export const number = (n) => Math.round(n).toLocaleString('en-US');

// short is a number shortened to fit a label.
export function short(n) {
  if (n < 100_000) return number(n);
  if (n < 10_000_000) return (n / 1e3).toLocaleString('en-US', { maximumFractionDigits: 0 }) + 'k';
  return (n / 1e6).toLocaleString('en-US', { maximumFractionDigits: 0 }) + 'M';
}

export function duration(seconds) {
  const s = Math.max(0, seconds);
  if (s < 0.0995) return `${Math.round(s * 1000)} ms`;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 99.5) return `${Math.round(s)} s`;
  if (s < 5970) return `${Math.round(s / 60)} min`;
  if (s < 172_000) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

export const since = (time, now) => duration((new Date(now) - new Date(time)) / 1000);

// scale is the ratio of the user's font size to the usual one: the pictures grow with it.
export const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 15;

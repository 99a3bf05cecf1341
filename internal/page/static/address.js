// Keeps the open task and the list's filters in the address, as #task=…&outcome=…&text=….
// So a view can be sent as a link, and survives a reload.

// parse ignores a part that ends in the middle of an escape.
function parse() {
  const all = {};
  for (const pair of location.hash.slice(1).split('&')) {
    const at = pair.indexOf('=');
    if (at < 1) continue;
    try {
      all[pair.slice(0, at)] = decodeURIComponent(pair.slice(at + 1));
    } catch {
      // an address that was copied incompletely
    }
  }
  return all;
}

const write = (all) => Object.entries(all).filter(([, value]) => value).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');

// kept returns the value of a name in the address; empty: none.
export const kept = (name) => parse()[name] || '';

// go changes the address with a history entry of its own.
export function go(changes) {
  location.hash = write({ ...parse(), ...changes });
}

// keep changes the address without a history entry, and without an event.
export function keep(changes) {
  const hash = write({ ...parse(), ...changes });
  history.replaceState(null, '', location.pathname + location.search + (hash && '#' + hash));
}

// taskLink returns the address of a task's story.
export const taskLink = (id) => '#' + write({ task: id });

// onPlainClick calls act at a plain click; any other click, such as one for a new tab,
// follows the link.
export function onPlainClick(link, act) {
  link.addEventListener('click', (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

// The address keeps what is looked at: the open task and the list's filters, as
// #task=…&outcome=…&text=…. So it can be sent to somebody, and a reload changes nothing.

// parse leaves out what is cut in the middle of an escape.
function parse() {
  const all = {};
  for (const pair of location.hash.slice(1).split('&')) {
    const at = pair.indexOf('=');
    if (at < 1) continue;
    try {
      all[pair.slice(0, at)] = decodeURIComponent(pair.slice(at + 1));
    } catch {
      // somebody has copied a part of it
    }
  }
  return all;
}

const write = (all) => Object.entries(all).filter(([, value]) => value).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');

// kept is what the address says of a name; empty: nothing.
export const kept = (name) => parse()[name] || '';

// go changes the address in a step of its own, to which Back leads.
export function go(changes) {
  location.hash = write({ ...parse(), ...changes });
}

// keep changes it where it is, and tells nobody.
export function keep(changes) {
  const hash = write({ ...parse(), ...changes });
  history.replaceState(null, '', location.pathname + location.search + (hash && '#' + hash));
}

// taskLink leads to a task's story and to nothing else.
export const taskLink = (id) => '#' + write({ task: id });

// onPlainClick has a plain click act; any other, such as one for a new tab, follows the
// link.
export function onPlainClick(link, act) {
  link.addEventListener('click', (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

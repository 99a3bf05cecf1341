// Buttons that copy a text exactly, however the page shows it.

import { make, put, set } from './dom.js';

const shown = 1500; // ms for which a button confirms that it has copied

// write puts a text on the clipboard. Browsers give a page that came by plain http from
// another machine the old way only.
async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = make('textarea', { class: 'hidden', 'aria-hidden': 'true' });
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand('copy');
  box.remove();
  if (!done) throw new Error('not copied');
}

// copies makes a button copy what text() returns at the click; its label is Copy and what.
export function copies(button, what, text) {
  set(button, { 'aria-label': `Copy ${what}`, type: 'button' });
  button.addEventListener('click', async () => {
    let said = 'Copied';
    try {
      await write(text());
    } catch {
      said = 'Cannot copy';
    }
    button.focus();
    set(button, { 'aria-label': said });
    put(button, said);
    setTimeout(() => {
      set(button, { 'aria-label': `Copy ${what}` });
      put(button, 'Copy');
    }, shown);
  });
  return button;
}

export const copyButton = (what, text) => copies(make('button', { class: 'copy' }, 'Copy'), what, () => text);

// quoted returns a text that a shell reads as one word.
const quoted = (text) => (/^[\w.:@%+,/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

// command returns a command of the service for a task. An id that begins with a hyphen must
// not be read as an option.
export const command = (name, id) => `remux-retrier ${name} ${id.startsWith('-') ? '-- ' : ''}${quoted(id)}`;

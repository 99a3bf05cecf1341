// Requests to the service, and errors in words.

const isJSON = (answer) => (answer.headers.get('content-type') || '').startsWith('application/json');

// complaint is the error of an answer. A proxy in front of the service may answer with
// pages of its own.
export async function complaint(answer) {
  const said = isJSON(answer) ? (await answer.json()).error : '';
  return said || `The answer was HTTP ${answer.status}, without JSON.`;
}

// get requests a document; the error says in a sentence why there is none.
export async function get(path) {
  let answer;
  try {
    answer = await fetch(path);
  } catch {
    throw new Error('This instance does not answer.');
  }
  if (answer.ok && isJSON(answer)) return answer.json();
  throw Object.assign(new Error(await complaint(answer)), { status: answer.status });
}

// Reads the published documents as strictly as the tools of others do: ajv in strict
// mode, and AsyncAPI's parser. Arguments: the folder of the documents.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Parser, fromFile } from '@asyncapi/parser';

const folder = process.argv[2];
const read = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

const ajv = new Ajv({ strict: true });
addFormats(ajv);
for (const name of ['failure.schema.json', 'outcome.schema.json', 'recovered.schema.json']) {
  ajv.compile(read(name));
}
const schemas = read('asyncapi.json').components.schemas;
for (const name of Object.keys(schemas)) ajv.compile(schemas[name]);

const parser = new Parser();
const { document, diagnostics } = await fromFile(parser, join(folder, 'asyncapi.json')).parse();
const errors = diagnostics.filter((d) => d.severity === 0);
for (const e of errors) console.error(e.path.join('/'), e.message);
if (!document || errors.length > 0) process.exit(1);

// The parser makes up a name for a schema that has none, and generators call its type so.
const unnamed = document.allSchemas().filter((s) => s.type() === 'object' && !s.title());
for (const s of unnamed) console.error('an object without a title:', JSON.stringify(s.json()).slice(0, 200));
process.exit(unnamed.length > 0 ? 1 : 0);

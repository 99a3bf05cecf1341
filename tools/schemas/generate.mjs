// Makes types for TypeScript and Java with Modelina. Arguments: the AsyncAPI document,
// and the folders for TypeScript and for Java.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  JavaFileGenerator,
  JAVA_JACKSON_PRESET,
  Logger,
  TypeScriptFileGenerator,
  TS_COMMON_PRESET
} from '@asyncapi/modelina';

// Its warnings are about what may be of any type, as error_code.
Logger.setLogger({ debug() {}, info() {}, warn() {}, error: console.error });

const [document, typescript, java] = process.argv.slice(2);
const input = pathToFileURL(resolve(document)).href;

await new TypeScriptFileGenerator({
  modelType: 'interface',
  enumType: 'union',
  rawPropertyNames: true,
  mapType: 'record'
}).generateToFiles(input, typescript, {});

await new JavaFileGenerator({
  collectionType: 'List',
  presets: [JAVA_JACKSON_PRESET]
}).generateToFiles(input, java, { packageName: 'remux' });

import { nameOf } from './actions.ts';
import { isObject, type Json, type Note } from './source.ts';

/**
 * A schema of Fusio as ours takes it: TypeSchema as it is; of older JSON Schema the references (`schema:///Name`), the draft 4
 * spelling of exclusive limits and `id`. A PHP class becomes a schema that lets everything pass until it is written.
 */
export function translateSchema(name: string, written: unknown, notes: Note[]): unknown {
  const entry = typeof written === 'string' ? parsed(written) : written;
  if (!isObject(entry)) {
    notes.push({
      kind: 'replace',
      about: `schema ${name}`,
      message: `"${String(written)}" is no schema: write its JSON Schema`,
    });
    return { source: { description: `Was ${String(written)}` } };
  }
  const wrapped = isObject(entry.source);
  const source = (wrapped ? entry.source : entry) as Json;
  if (typeof source.$class === 'string') {
    const message = `the PHP class ${source.$class.replaceAll('\\', '.')} cannot be read here: write its JSON Schema; until then everything passes`;
    notes.push({ kind: 'replace', about: `schema ${name}`, message });
    return { ...(wrapped ? entry : {}), source: { description: `Was ${source.$class.replaceAll('\\', '.')}` } };
  }
  const converted = convert(source);
  if (JSON.stringify(converted) !== JSON.stringify(source)) {
    notes.push({
      kind: 'translated',
      about: `schema ${name}`,
      message: 'keywords and references of the older JSON Schema',
    });
  }
  return wrapped ? { ...entry, source: converted } : { source: converted };
}

/** What an operation says for a schema, as a reference of ours; null for none. */
export function schemaReference(written: unknown, about: string, notes: Note[]): string | null {
  if (typeof written !== 'string' || written === '') {
    return null;
  }
  if (/^(schema|mime):\/\//.test(written)) {
    return written;
  }
  if (/\\|^php\+class:\/\/|\.\w+\./.test(written)) {
    const message = `the PHP class ${written.replace('php+class://', '').replaceAll('\\', '.')} is no schema: everything passes until its JSON Schema is written`;
    notes.push({ kind: 'replace', about, message });
    return 'schema://Passthru';
  }
  return `schema://${nameOf(written)}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Keywords whose members are names of the writer's, not keywords. */
const maps = new Set(['properties', 'patternProperties', 'definitions', '$defs']);

function convert(value: unknown, names = false): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => convert(item));
  }
  if (!isObject(value)) {
    return value;
  }
  const result: Json = {};
  for (const [member, inner] of Object.entries(value)) {
    if (names) {
      result[member] = convert(inner);
    } else if (member === '$ref' && typeof inner === 'string') {
      result.$ref = inner.replace(/^schema:\/{2,3}/, 'schema://').replace(/#$/, '');
    } else if (member === '$schema' || (member === 'id' && typeof inner === 'string')) {
      // Draft 4 by name would switch off what came later; its `id` names a place that nobody has.
    } else if (['enum', 'const', 'default', 'example', 'examples'].includes(member)) {
      result[member] = inner;
    } else {
      result[member] = convert(inner, maps.has(member));
    }
  }
  for (const [flag, limit] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof result[flag] === 'boolean') {
      const exclusive = result[flag];
      delete result[flag];
      if (exclusive && typeof result[limit] === 'number') {
        result[flag] = result[limit];
        delete result[limit];
      }
    }
  }
  return result;
}

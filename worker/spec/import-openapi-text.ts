import { parse, YAMLParseError } from 'yaml';
import { ApiError } from '../core/errors.ts';
import { type ScanFailure, scanJson } from '../lib/json-scan.ts';

/** A description as text may be this large, bytes; one in YAML, which costs far more to read, less. */
export const descriptionLimit = 64_000_000;
const yamlLimit = 4_000_000;

/** As deep and large as real descriptions come; GitHub's has 700,000 values on 30 levels. */
const limits = { depth: 200, nodes: 5_000_000, size: descriptionLimit };

/** Reads JSON or YAML, told apart by the first character. Throws ApiError `invalid_request` with the place of what is wrong. */
export function parseDescription(text: string | Uint8Array): unknown {
  const start = typeof text === 'string' ? text.trimStart().slice(0, 1) : firstCharacter(text);
  const scanned = start === '{' || start === '[' ? scanJson(text, limits) : fromYaml(text);
  if (scanned.ok) {
    return scanned.value;
  }
  throw refusal(scanned.message, scanned.pointer ?? '', `at position ${scanned.position}`);
}

/** YAML goes through JSON once more, so that aliases are copies and the same limits hold. */
function fromYaml(input: string | Uint8Array): ReturnType<typeof scanJson> | ScanFailure {
  if (input.length > yamlLimit) {
    throw refusal(`is longer than ${yamlLimit / 1_000_000} MB; larger ones are accepted as JSON`, '', 'YAML');
  }
  const text = typeof input === 'string' ? input : new TextDecoder().decode(input);
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 1000, prettyErrors: true });
  } catch (thrown) {
    const place = thrown instanceof YAMLParseError ? thrown.linePos?.[0] : undefined;
    const message = thrown instanceof Error ? thrown.message.split('\n')[0]! : String(thrown);
    throw refusal(message, '', place === undefined ? 'YAML' : `line ${place.line}, column ${place.col}`);
  }
  return scanJson(JSON.stringify(value ?? null), limits);
}

function firstCharacter(bytes: Uint8Array): string {
  const byte = bytes.find((candidate) => candidate > 0x20);
  return byte === undefined ? '' : String.fromCharCode(byte);
}

function refusal(message: string, pointer: string, place: string): ApiError {
  return new ApiError('invalid_request', `The document cannot be read: ${message} (${place})`, {
    errors: [{ pointer, rule: 'syntax', message: `${message} (${place})` }],
  });
}

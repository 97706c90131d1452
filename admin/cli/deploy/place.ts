import type { Place } from '../failure.ts';

/** Line and column (from 1) of an offset. */
export function placeOf(file: string, text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  return { file, line: before.split('\n').length, column: offset - start + 1 };
}

/**
 * The offset of what a JSON Pointer names in a JSON text, or of the nearest thing around it that exists: for a member its name.
 * The text is valid JSON; nothing is built, so a text of many megabytes is no trouble.
 */
export function locateJson(text: string, pointer: string): number {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  let offset = skipSpace(text, 0);
  let shown = offset;
  for (const key of keys) {
    const found =
      text[offset] === '{'
        ? findMember(text, offset, key)
        : text[offset] === '['
          ? findElement(text, offset, key)
          : null;
    if (found === null) {
      break;
    }
    shown = found.shown;
    offset = found.value;
  }
  return shown;
}

interface Found {
  /** Where to point to. */
  shown: number;
  value: number;
}

function findMember(text: string, open: number, key: string): Found | null {
  let at = skipSpace(text, open + 1);
  while (text[at] === '"') {
    const end = skipString(text, at);
    const value = skipSpace(text, skipSpace(text, end) + 1);
    if (JSON.parse(text.slice(at, end)) === key) {
      return { shown: at, value };
    }
    at = skipSpace(text, skipValue(text, value));
    if (text[at] === ',') {
      at = skipSpace(text, at + 1);
    }
  }
  return null;
}

function findElement(text: string, open: number, key: string): Found | null {
  let at = skipSpace(text, open + 1);
  for (let index = 0; text[at] !== ']' && at < text.length; index++) {
    if (String(index) === key) {
      return { shown: at, value: at };
    }
    at = skipSpace(text, skipValue(text, at));
    if (text[at] === ',') {
      at = skipSpace(text, at + 1);
    }
  }
  return null;
}

function skipValue(text: string, start: number): number {
  let at = start;
  let depth = 0;
  do {
    const character = text[at];
    if (character === '"') {
      at = skipString(text, at);
      continue;
    }
    if (character === '{' || character === '[') {
      depth++;
    } else if (character === '}' || character === ']') {
      if (depth === 0) {
        return at;
      }
      depth--;
    } else if (character === ',' && depth === 0) {
      return at;
    }
    at++;
  } while (at < text.length && (depth > 0 || !/[,\]}\s]/.test(text[at]!)));
  return at;
}

function skipString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') {
    at += text[at] === '\\' ? 2 : 1;
  }
  return at + 1;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (/\s/.test(text[at] ?? '')) {
    at++;
  }
  return at;
}

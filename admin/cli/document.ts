import { readFile } from 'node:fs/promises';
import { parse, YAMLParseError } from 'yaml';
import { placeOf } from './deploy/place.ts';
import { Failure, type Place } from './failure.ts';
import type { Output } from './output.ts';

/** The text of a file, of what a URL answers, or (`-`) of the standard input. */
export async function readText(file: string, output: Output): Promise<string> {
  try {
    if (file === '-') {
      let input = '';
      for await (const chunk of process.stdin.setEncoding('utf8')) {
        input += chunk;
      }
      return input;
    }
    if (/^https?:\/\//i.test(file)) {
      const response = await output.progress(`Reading ${file}`, null, () => fetch(file));
      if (!response.ok) {
        throw new Failure('usage', `${file} answered ${response.status}`);
      }
      return await response.text();
    }
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw thrown instanceof Failure
      ? thrown
      : new Failure('usage', `${file} cannot be read: ${(thrown as Error).message}`);
  }
}

/** JSON or YAML, whichever it is. A mistake is said with its place. */
export function parseText(file: string, text: string): unknown {
  try {
    return /^\s*[{[]/.test(text) ? JSON.parse(text) : parse(text, { maxAliasCount: 1000 });
  } catch (thrown) {
    const offset = /at position (\d+)/.exec((thrown as Error).message)?.[1];
    const line = thrown instanceof YAMLParseError ? thrown.linePos?.[0] : undefined;
    const place: Place =
      line !== undefined
        ? { file, line: line.line, column: line.col }
        : offset !== undefined
          ? placeOf(file, text, Number(offset))
          : { file };
    const message = (thrown as Error).message.split('\n')[0]!;
    throw new Failure('usage', `${file} is not valid JSON or YAML`, {
      complaints: [{ message, rule: 'syntax', place }],
    });
  }
}

import pc from 'picocolors';
import type { ChangeResult } from '../../worker/core/ports.ts';

/** What a publish answers, or would. */
export interface Published {
  revision: number;
  results: ChangeResult[];
}

const signs = { create: pc.green('+'), update: pc.yellow('~'), delete: pc.red('-') };

/** More than a person reads; `--json` tells all. */
const shownChanges = 100;

/** The differences for people, one resource a line and the members that change below it. */
export function showChanges(results: readonly ChangeResult[], detailed: boolean): string {
  const lines: string[] = [];
  const changed = results.filter((result) => result.verb !== 'none');
  for (const result of changed.slice(0, shownChanges)) {
    if (result.verb === 'none') {
      continue;
    }
    lines.push(`${signs[result.verb]} ${result.resource} ${pc.bold(result.name)}`);
    if (detailed && result.verb === 'update') {
      for (const [member, [before, after]] of Object.entries(result.difference ?? {})) {
        lines.push(`    ${member}: ${pc.red(short(before))} → ${pc.green(short(after))}`);
      }
    }
  }
  if (changed.length > shownChanges) {
    lines.push(pc.dim(`… and ${changed.length - shownChanges} more; --json tells all`));
  }
  return lines.join('\n');
}

/** `2 created, 1 updated, 14 unchanged`. */
export function countChanges(results: readonly ChangeResult[]): string {
  const words = { create: 'created', update: 'updated', delete: 'deleted', none: 'unchanged' } as const;
  const counted = Object.entries(words).flatMap(([verb, word]) => {
    const count = results.filter((result) => result.verb === verb).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return counted.length === 0 ? 'nothing to do' : counted.join(', ');
}

function short(value: unknown): string {
  const text =
    value === null || value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
  const line = text.replace(/\s+/g, ' ');
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { legend } from './cases.ts';
import { expressGatewayVersion } from './express-gateway.ts';
import { hasWrk } from './load.ts';
import { baseFor, type Measured, medianOf } from './measure.ts';
import type { Footprint } from './memory.ts';
import { hasNginx } from './nginx.ts';
import { workerdVersion } from './workerd.ts';

/** All that one run found. */
export interface Findings {
  bare: Measured[];
  emulated: Measured[];
  footprints: Footprint[];
  rounds: number;
  seconds: number;
}

/** The findings as Markdown. */
export function report({ bare, emulated, footprints, rounds, seconds }: Findings): string {
  return [
    surroundings(rounds, seconds),
    ...figures(bare, 'Bare workerd and peers'),
    ...growth(bare),
    ...figures(emulated, 'The same build in Miniflare'),
    ...footprint(footprints),
  ].join('\n\n');
}

function surroundings(rounds: number, seconds: number): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return `${cpus().length} × ${model}; workerd ${workerdVersion}; Node ${process.versions.node}; express-gateway ${expressGatewayVersion}; ${versionOf('nginx', hasNginx)}; load by ${hasWrk ? versionOf('wrk', true) : 'a generator in Node'}. ${rounds} rounds of ${seconds} s a case, medians.`;
}

function versionOf(program: string, present: boolean): string {
  if (!present) {
    return `no ${program}`;
  }
  try {
    const output = execFileSync('sh', ['-c', `${program} -v 2>&1 || true`], { encoding: 'utf8' });
    return `${program} ${/\d+\.[\d.]*\d/.exec(output)?.[0] ?? ''}`.trim();
  } catch {
    return program;
  }
}

function figures(all: Measured[], title: string): string[] {
  return [...new Set(all.map(({ connections }) => connections))].map((connections) => {
    const rows = all
      .filter((measured) => measured.connections === connections)
      .sort((one, two) => one.it.letter.localeCompare(two.it.letter))
      .map((measured) => figureRow(measured, all));
    return [
      `### ${title}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
      '',
      ...table(['case', '', 'operations', 'CPU µs', 'added µs', 'requests/s', 'of (a)', 'p50 ms', 'p90 ms'], rows),
    ].join('\n');
  });
}

function figureRow(measured: Measured, all: Measured[]): string[] {
  const { letter, operations } = measured.it;
  const base = baseFor(measured, all);
  const added =
    base === undefined
      ? ''
      : round(
          medianOf(measured, (it, a) => it.cpu - a.cpu, base),
          0,
        );
  const share =
    base === undefined
      ? ''
      : `${round(
          medianOf(measured, (it, a) => (100 * it.rate) / a.rate, base),
          0,
        )} %`;
  return [
    `(${letter})`,
    legend[letter]!,
    operations === null ? '–' : operations.toLocaleString('en'),
    round(
      medianOf(measured, ({ cpu }) => cpu),
      0,
    ),
    ['a', 'a+', 'g'].includes(letter) ? '–' : added,
    Math.round(medianOf(measured, ({ rate }) => rate)).toLocaleString('en'),
    ['a', 'a+'].includes(letter) ? '–' : share,
    round(
      medianOf(measured, ({ p50 }) => p50),
      2,
    ),
    round(
      medianOf(measured, ({ p90 }) => p90),
      2,
    ),
  ];
}

/** What the number of operations costs, and how (c) stands to the peer. */
function growth(all: Measured[]): string[] {
  const sizes = [...new Set(all.flatMap(({ it }) => it.operations ?? []))].sort((a, b) => a - b);
  const [least, most] = [sizes[0], sizes.at(-1)];
  const find = (letter: string, operations: number | undefined, connections: number) =>
    all.find(({ it, connections: its }) => it.letter === letter && it.operations === operations && its === connections);
  const connections = Math.max(...all.map((measured) => measured.connections));
  const rows = ['b', 'c', 'd', 'e', 'f', 'g'].flatMap((letter) => {
    const [few, many] = [find(letter, least, connections), find(letter, most, connections)];
    return few === undefined || many === undefined || few === many
      ? []
      : [
          [
            `(${letter})`,
            `${round(
              medianOf(many, (big, small) => big.cpu / small.cpu, few),
              3,
            )} ×`,
            `${round(
              medianOf(many, (big, small) => big.rate / small.rate, few),
              3,
            )} ×`,
          ],
        ];
  });
  const peers = sizes.flatMap((operations) => {
    const [ours, theirs] = [find('c', operations, connections), find('f', operations, connections)];
    return ours === undefined || theirs === undefined
      ? []
      : [
          [
            operations.toLocaleString('en'),
            `${round(
              medianOf(ours, (c, f) => c.rate / f.rate, theirs),
              1,
            )} ×`,
          ],
        ];
  });
  return [
    ...(rows.length === 0
      ? []
      : [
          [
            `### From ${least} to ${most!.toLocaleString('en')} operations, ${connections} connections`,
            '',
            ...table(['case', 'CPU', 'requests/s'], rows),
          ].join('\n'),
        ]),
    ...(peers.length === 0
      ? []
      : [
          [
            `### (c) against (f), requests per second, ${connections} connections`,
            '',
            ...table(['operations', '(c) / (f)'], peers),
          ].join('\n'),
        ]),
  ];
}

function footprint(all: Footprint[]): string[] {
  const pair = ({ p50, p90 }: { p50: number; p90: number }) => `${round(p50, 1)} / ${round(p90, 1)}`;
  const rows = all.map(({ operations, heapCold, heapWarm, first, next }) => [
    operations.toLocaleString('en'),
    round(heapCold, 1),
    round(heapWarm, 1),
    pair(first),
    pair(next),
  ]);
  return rows.length === 0
    ? []
    : [
        [
          '### Memory of an isolate, and its first answer',
          '',
          ...table(
            [
              'operations',
              'heap MB after one call',
              'heap MB after calls of every operation',
              'first answer, ms, p50 / p90',
              'the 20 after it',
            ],
            rows,
          ),
        ].join('\n'),
      ];
}

/** Markdown. */
export function table(head: string[], rows: string[][]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function round(value: number, digits: number): string {
  return value.toFixed(digits);
}

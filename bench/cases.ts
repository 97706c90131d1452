import { randomBytes } from 'node:crypto';
import { buildWorker } from '../admin/host/build.ts';
import { calledOf, configure, kinds, operationPaths, withOrder } from './configuration.ts';
import { installExpressGateway, startExpressGateway } from './express-gateway.ts';
import type { Requests } from './load.ts';
import { startEmulatedForwarder, startEmulatedPostern } from './miniflare.ts';
import { hasNginx, startProxy, startUpstream } from './nginx.ts';
import type { Bench } from './processes.ts';
import { type RunningWorker, startForwarder, startLeast, startPostern } from './workerd.ts';

/** Something to load, and what it is compared with. */
export interface Case {
  /** A letter of `legend`. */
  letter: string;
  /** Operations that are configured; null where that means nothing. */
  operations: number | null;
  place: 'workerd' | 'Miniflare' | 'Node' | 'nginx';
  target: { url: string; pid: number };
  requests: Requests;
}

/** What the letters stand for. */
export const legend: Record<string, string> = {
  a: 'bare worker that forwards',
  'a+': 'the same, with the 1.5 KB body',
  'a*': 'the least gateway: its headers both ways, a clock',
  b: 'Postern: public, no rate, no log',
  c: 'Postern: token, scope, leased rate, log',
  d: 'Postern: token, scope, exact rate, log',
  e: 'Postern: public, 1.5 KB body validated, no rate, no log',
  f: 'express-gateway: key-auth, rate limit',
  g: 'nginx: proxy_pass, connections kept',
};

/** The forwarder in the same place that a case of Postern is measured against: with a body where it has one. */
export function baseOf(letter: string): string {
  return letter === 'e' ? 'a+' : 'a';
}

/** What the bare workers are asked for. */
export const floor = { method: 'GET', paths: [operationPaths(1)[0]!] };

/** Starts everything that is compared on bare workerd, and the peers. */
export async function openCases(bench: Bench, sizes: number[]): Promise<Case[]> {
  const upstream = await startUpstream(bench);
  const forwarder = await startForwarder(bench, upstream.url);
  const cases: Case[] = forwarding(forwarder, 'workerd');
  const least = await startLeast(bench, upstream.url);
  cases.push({ letter: 'a*', operations: null, place: 'workerd', target: least, requests: floor });
  for (const operations of sizes) {
    const { worker, requests } = await openPostern(bench, upstream.url, operations);
    cases.push(...postern(worker, requests, operations, 'workerd'));
  }
  for (const operations of sizes) {
    const paths = operationPaths(operations);
    const called = kinds.flatMap((kind) => calledOf(kind, operations)).map((number) => paths[number]!);
    const patterns = paths.map((path) => path.replace('4711', ':id'));
    const express = await peer('express-gateway', async () => {
      installExpressGateway();
      return startExpressGateway(bench, upstream.url, patterns, called);
    });
    if (express !== null) {
      cases.push({ letter: 'f', operations, place: 'Node', target: express, requests: express.requests });
    }
    if (hasNginx) {
      const proxy = await startProxy(bench, upstream.url, paths);
      cases.push({
        letter: 'g',
        operations,
        place: 'nginx',
        target: proxy,
        requests: { method: 'GET', paths: called },
      });
    }
  }
  return cases;
}

/** Starts the built code, and the forwarder, in Miniflare. */
export async function openEmulatedCases(bench: Bench, operations: number): Promise<Case[]> {
  const upstream = await startUpstream(bench);
  const forwarder = await startEmulatedForwarder(bench, upstream.url);
  const secretKey = randomBytes(32).toString('base64');
  const target = await startEmulatedPostern(bench, await buildWorker(), { secretKey });
  const requests = await configure(target.url, secretKey, upstream.url, operations);
  return [...forwarding(forwarder, 'Miniflare'), ...postern(target, requests, operations, 'Miniflare')];
}

/** Postern in bare workerd, configured over its management API. */
export async function openPostern(bench: Bench, upstream: string, operations: number, inspector = false) {
  const secretKey = randomBytes(32).toString('base64');
  const worker: RunningWorker = await startPostern(bench, await buildWorker(), { secretKey, inspector });
  return { worker, requests: await configure(worker.url, secretKey, upstream, operations) };
}

function forwarding(target: Case['target'], place: Case['place']): Case[] {
  return [
    { letter: 'a', operations: null, place, target, requests: floor },
    { letter: 'a+', operations: null, place, target, requests: withOrder(floor.paths) },
  ];
}

function postern(
  target: Case['target'],
  { open, leased, exact, validated }: Awaited<ReturnType<typeof configure>>,
  operations: number,
  place: Case['place'],
): Case[] {
  return Object.entries({ b: open, c: leased, d: exact, e: validated }).map(([letter, requests]) => {
    return { letter, operations, place, target, requests };
  });
}

/** A peer that cannot be had is left out, aloud. */
async function peer<T>(name: string, start: () => Promise<T>): Promise<T | null> {
  try {
    return await start();
  } catch (thrown) {
    console.error(`Without ${name}: ${(thrown as Error).message}`);
    return null;
  }
}

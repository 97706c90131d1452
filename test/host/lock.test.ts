import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { lockOwner, tryLock, unlock, withLock } from '../../admin/host/lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is held by one at a time', async () => {
  const path = join(folder, 'one');
  const order: string[] = [];
  const work = (name: string) =>
    withLock(path, async () => {
      order.push(`${name} in`);
      await new Promise((done) => setTimeout(done, 30));
      order.push(`${name} out`);
    });
  await Promise.all([work('a'), work('b')]);
  expect(order).toEqual(['a in', 'a out', 'b in', 'b out']);
  expect(lockOwner(path)).toBe(null);
});

it('is free when its holder is gone', async () => {
  const path = join(folder, 'two');
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((done) => child.once('exit', done));
  writeFileSync(path, `${child.pid} 1`);
  expect(lockOwner(path)).toBe(null);
  expect(tryLock(path)).toBe(true);
  expect(lockOwner(path)).toBe(process.pid);
  expect(tryLock(path)).toBe(false);
  unlock(path);
  expect(tryLock(path)).toBe(true);
});

it('is free when its holder’s number went to another process', () => {
  const path = join(folder, 'three');
  expect(tryLock(path)).toBe(true);
  writeFileSync(path, `${process.pid} 1`);
  expect(lockOwner(path)).toBe(null);
  expect(tryLock(path)).toBe(true);
  expect(readFileSync(path, 'utf8')).not.toBe(`${process.pid} 1`);
});

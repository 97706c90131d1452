import { describe, expect, it } from 'vitest';
import { whileAlive } from '../../worker/snapshot/current.ts';

// How long a writer waits for the publisher: as long as that gives signs of life, and not beyond its time.

const times = { doubt: 20, sign: 30, patience: 400 };
const later = <T>(milliseconds: number, value: T) =>
  new Promise<T>((resolve) => setTimeout(() => resolve(value), milliseconds));
const never = new Promise<string>(() => {});
const unavailable = expect.objectContaining({ code: 'unavailable' });

describe('waiting for a publisher', () => {
  it('asks nothing of one that answers at once, and passes its failure on', async () => {
    const asked = () => Promise.reject(new Error('not asked'));
    expect(await whileAlive(Promise.resolve('done'), asked, times)).toBe('done');
    await expect(whileAlive(Promise.reject(new Error('broke')), asked, times)).rejects.toThrow('broke');
  });

  it('goes on while it lives', async () => {
    let signs = 0;
    const alive = async () => {
      signs += 1;
    };
    expect(await whileAlive(later(120, 'done'), alive, times)).toBe('done');
    expect(signs).toBeGreaterThan(1);
  });

  it('ends without a sign, with a failed one, and when all patience is gone', async () => {
    await expect(whileAlive(never, () => never, times)).rejects.toEqual(unavailable);
    await expect(whileAlive(never, () => Promise.reject(new Error('gone')), times)).rejects.toThrow('gone');
    await expect(whileAlive(never, async () => {}, { ...times, patience: 60 })).rejects.toEqual(unavailable);
  });

  it('takes the answer that comes while a sign is waited for', async () => {
    expect(await whileAlive(later(35, 'done'), () => never, times)).toBe('done');
  });
});

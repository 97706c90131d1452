/** What of a full count this run takes: all of it, or a share where `npm run verify` runs a file in several (`POSTERN_PART=2/4`). */
export function ownShare<T>(items: readonly T[]): T[] {
  const [part, parts] = (process.env.POSTERN_PART ?? '1/1').split('/').map(Number) as [number, number];
  return items.filter((_, index) => index % parts === part - 1);
}

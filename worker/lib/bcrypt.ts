import { compareSync } from 'bcryptjs';

/**
 * Passwords that came along from another system: bcrypt hashes as PHP writes them (`$2y$`), or others (`$2a$`, `$2b$`). Each is good for
 * one login; then it is stored anew in our own form (`password.ts`). In JavaScript the work costs some 140 ms of CPU at cost 10,
 * 540 ms at 12 and 2.1 s at 14: more than the platform's smallest plan grants a request, which has 10 ms for everything.
 */
const shape = /^\$2[aby]\$(\d{2})\$[./A-Za-z0-9]{53}$/;
const leastCost = 4;

/** 2^14 rounds are seconds of work; a dearer hash would let each guess keep an isolate busy. */
export const highestCost = 14;

/** Whether a stored string is such a hash, of a cost that is done here. */
export function isBcrypt(stored: string): boolean {
  const cost = Number(shape.exec(stored)?.[1]);
  return cost >= leastCost && cost <= highestCost;
}

/** Compares as PHP does: the UTF-8 bytes of the password, of which bcrypt takes the first 72. */
export function verifyBcrypt(password: string, stored: string): boolean {
  return compareSync(password, stored);
}

import { invalidAt } from '../core/errors.ts';

/** Cents as callers see them: 999 → 9.99. */
export function fromCents(cents: number): number {
  return cents / 100;
}

/** An amount as it is stored: 9.99 → 999. Throws ApiError for a fraction of a cent. */
export function toCents(amount: number, member: string): number {
  const cents = Math.round(amount * 100);
  if (Math.abs(cents - amount * 100) > 1e-4) {
    throw invalidAt(`/${member}`, `/${member} must not have more than two decimals`, 'multipleOf');
  }
  return cents;
}

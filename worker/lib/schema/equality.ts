/** Equality of JSON values: numbers by value, objects whatever the order of their members. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return false;
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) {
      return false;
    }
    return a.every((item, index) => equal(item, b[index]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) {
    return false;
  }
  return names.every((name) => Object.hasOwn(right, name) && equal(left[name], right[name]));
}

/**
 * A text that two JSON values share exactly when they are equal, so that duplicates are found in linear time. `spend` is
 * told the length of the work, and may throw.
 */
export function fingerprint(value: unknown, spend: (steps: number) => void): string {
  if (typeof value === 'string') {
    spend(1 + (value.length >> 5));
    return JSON.stringify(value);
  }
  if (typeof value !== 'object' || value === null) {
    spend(1);
    return String(value === 0 ? 0 : value);
  }
  if (Array.isArray(value)) {
    spend(1 + value.length);
    return `[${value.map((item) => fingerprint(item, spend)).join()}]`;
  }
  const members = value as Record<string, unknown>;
  const names = Object.keys(members).sort();
  spend(1 + names.length);
  return `{${names.map((name) => `${JSON.stringify(name)}:${fingerprint(members[name], spend)}`).join()}}`;
}

/** Whether `value` is a multiple of `divisor`, in decimal: 0.3 is one of 0.1, although no double says so. */
export function isMultiple(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) {
    return value % divisor === 0;
  }
  if (!Number.isFinite(value)) {
    return false;
  }
  const [mantissa, exponent] = decimal(value);
  const [unit, unitExponent] = decimal(divisor);
  const shift = exponent - unitExponent;
  // Exponents of doubles are within ±340, so these powers stay small.
  return shift >= 0
    ? (mantissa * 10n ** BigInt(shift)) % unit === 0n
    : mantissa % (unit * 10n ** BigInt(-shift)) === 0n;
}

/** A finite number as mantissa and power of ten. */
function decimal(value: number): [bigint, number] {
  const [digits = '0', exponent = '0'] = value.toExponential().split('e');
  const point = digits.indexOf('.');
  const decimals = point < 0 ? 0 : digits.length - point - 1;
  return [BigInt(digits.replace('.', '')), Number(exponent) - decimals];
}

/**
 * Equality of JSON values: numbers by value, objects whatever the order of their members. `spend` is told the length of the
 * work, and may throw.
 */
export function equal(a: unknown, b: unknown, spend: (steps: number) => void): boolean {
  if (typeof a === 'string' && typeof b === 'string') {
    spend(a.length === b.length ? a.length >> 7 : 0);
    return a === b;
  }
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
    return a.every((item, index) => {
      spend(index & 1);
      return equal(item, b[index], spend);
    });
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const names = Object.keys(left);
  const others = Object.keys(right).length;
  spend((names.length + others) >> 2);
  return (
    names.length === others &&
    names.every((name) => Object.hasOwn(right, name) && equal(left[name], right[name], spend))
  );
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

/**
 * A test whether values are multiples of `divisor`, in decimal: 0.3 is one of 0.1, although no double says so. `spend` is told
 * the length of the work, and may throw.
 */
export function multipleOf(divisor: number): (value: number, spend: (steps: number) => void) => boolean {
  const [unit, unitExponent] = decimal(divisor);
  const scale = 10 ** -unitExponent;
  // Powers of ten up to there are exact, and so is what follows.
  const small = unitExponent <= 0 && unitExponent >= -15 && unit <= BigInt(Number.MAX_SAFE_INTEGER);
  const smallUnit = Number(unit);
  return (value, spend) => {
    if (!Number.isFinite(value)) {
      return false;
    }
    const scaled = Math.round(value * scale);
    if (small && Math.abs(scaled) < 1e15) {
      // Up to 15 digits a double and its shortest decimal name each other: either the value is so many units of the scale,
      // or it has more decimals than the divisor.
      return scaled / scale === value && scaled % smallUnit === 0;
    }
    const [mantissa, exponent] = decimal(value);
    const shift = exponent - unitExponent;
    spend(1 + (Math.abs(shift) >> 3));
    // Exponents of doubles are within ±340, so these powers stay small.
    return shift >= 0
      ? (mantissa * 10n ** BigInt(shift)) % unit === 0n
      : mantissa % (unit * 10n ** BigInt(-shift)) === 0n;
  };
}

/** A finite number as mantissa and power of ten. */
function decimal(value: number): [bigint, number] {
  const [digits = '0', exponent = '0'] = value.toExponential().split('e');
  const point = digits.indexOf('.');
  const decimals = point < 0 ? 0 : digits.length - point - 1;
  return [BigInt(digits.replace('.', '')), Number(exponent) - decimals];
}

import type { JWK } from 'jose';

export type JwkVerdict = { ok: true; alg: string } | { ok: false; reason: string };

/**
 * Which public keys may verify signatures: RSA of 2048 bits or more with an exponent of at least 65537 and without the ROCA
 * defect, the NIST curves with their own algorithm, Ed25519. No symmetric keys, no private members, no keys for encryption.
 */
export function checkJwk(jwk: JWK): JwkVerdict {
  if (jwk.use !== undefined && jwk.use !== 'sig') {
    return refuse('the key is not for signatures');
  }
  if (jwk.key_ops !== undefined && !jwk.key_ops.includes('verify')) {
    return refuse('the key is not for verifying');
  }
  if (jwk.d !== undefined || jwk.k !== undefined) {
    return refuse('the key is not public');
  }
  switch (jwk.kty) {
    case 'RSA':
      return checkRsa(jwk);
    case 'EC':
      return pinned(jwk, curves[jwk.crv ?? '']);
    case 'OKP':
      return pinned(jwk, jwk.crv === 'Ed25519' ? ['EdDSA', 'Ed25519'] : undefined);
    default:
      return refuse('the key type is not supported');
  }
}

/** A set of keys is usable when each key is, and each has an id of its own (RFC 7517 §4.5). */
export function checkJwks(keys: readonly JWK[]): { ok: true } | { ok: false; reason: string } {
  const ids = new Set<string>();
  for (const key of keys) {
    const verdict = checkJwk(key);
    if (!verdict.ok) {
      return verdict;
    }
    if (typeof key.kid !== 'string' || key.kid === '' || ids.has(key.kid)) {
      return { ok: false, reason: 'every key needs an id of its own' };
    }
    ids.add(key.kid);
  }
  return { ok: true };
}

const curves: Record<string, string[] | undefined> = { 'P-256': ['ES256'], 'P-384': ['ES384'], 'P-521': ['ES512'] };
const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

function checkRsa(jwk: JWK): JwkVerdict {
  const modulus = integer(jwk.n);
  const exponent = integer(jwk.e);
  const bits = modulus.toString(2).length;
  if (bits < 2048 || bits > 8192) {
    return refuse('the RSA modulus must have 2048 to 8192 bits');
  }
  if (exponent < 65537n || exponent % 2n === 0n || exponent >= 1n << 32n) {
    return refuse('the RSA exponent must be odd, at least 65537 and below 2^32');
  }
  if (hasRocaFingerprint(modulus)) {
    return refuse('the RSA key comes from a defective generator (CVE-2017-15361)');
  }
  return pinned(jwk, rsaAlgorithms);
}

/** The one algorithm of a key: the one that it names, or the only one of its type. */
function pinned(jwk: JWK, allowed: string[] | undefined): JwkVerdict {
  const alg = jwk.alg ?? (allowed?.length === 1 ? allowed[0] : undefined);
  return alg !== undefined && allowed?.includes(alg) ? { ok: true, alg } : refuse('the algorithm does not fit the key');
}

function integer(text: string | undefined): bigint {
  const hex = Buffer.from(text ?? '', 'base64url').toString('hex');
  return hex === '' ? 0n : BigInt(`0x${hex}`);
}

const rocaPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/**
 * The defective generator only makes moduli that are powers of 65537 modulo each small prime; for these primes, where those
 * powers are few, a sound modulus passes all of them with a probability of about 2^-27.
 */
function hasRocaFingerprint(modulus: bigint): boolean {
  return rocaPrimes.every((prime) => {
    const rest = Number(modulus % BigInt(prime));
    let power = 1;
    for (let exponent = 0; exponent < prime; exponent++) {
      if (power === rest) {
        return true;
      }
      power = (power * 65537) % prime;
    }
    return false;
  });
}

function refuse(reason: string): JwkVerdict {
  return { ok: false, reason };
}

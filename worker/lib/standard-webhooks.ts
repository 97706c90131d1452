import { createHmac, randomBytes } from 'node:crypto';

// Standard Webhooks 1.0, symmetric signatures: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

const prefix = 'whsec_';

/** A new secret of 24 random bytes, `whsec_…`. */
export function makeSecret(): string {
  return prefix + randomBytes(24).toString('base64');
}

/** Whether a text is a secret: base64 of 24 to 64 bytes behind `whsec_`. */
export function isSecret(text: string): boolean {
  const encoded = text.slice(prefix.length);
  const bytes = Buffer.from(encoded, 'base64');
  return (
    text.startsWith(prefix) &&
    bytes.length >= 24 &&
    bytes.length <= 64 &&
    bytes.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '')
  );
}

/** The three headers of a message; several secrets (a rotation) give several signatures. `seconds` since the epoch. */
export function signatureHeaders(
  secrets: readonly string[],
  id: string,
  seconds: number,
  body: string,
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') };
}

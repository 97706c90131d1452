/**
 * Which of the operation's versions (`1.2.0`, any order) a request asks for: `Api-Version: 1.2.0` exactly, else
 * `Accept: application/vnd.NAME.v1+json` for the highest 1.x.x (`.v1.2+json` for the highest 1.2.x), the preferred media
 * type first. Null is the current version: also when what was asked for does not exist, as in Fusio.
 */
export function chooseVersion(headers: Headers, available: readonly string[]): string | null {
  if (available.length === 0) {
    return null;
  }
  const exact = headers.get('api-version')?.trim();
  if (exact !== undefined && available.includes(exact)) {
    return exact;
  }
  for (const prefix of acceptedVersions(headers.get('accept') ?? '')) {
    const chosen = highest(available.filter((version) => version === prefix || version.startsWith(`${prefix}.`)));
    if (chosen !== null) {
      return chosen;
    }
  }
  return null;
}

/** A vendor media type (RFC 6838 §3.2) that ends with a version. */
const vendorType = /^application\/vnd\.[\w.!#$&^+-]*?\.v(\d+(?:\.\d+){0,2})(?:\+json)?$/i;

/** The version prefixes of an Accept header by descending quality (RFC 9110 §12.5.1); q=0 means never. */
function acceptedVersions(accept: string): string[] {
  if (!/\.v\d/i.test(accept)) {
    return [];
  }
  return accept
    .split(',')
    .map((range) => {
      const [type, ...parameters] = range.split(';').map((part) => part.trim());
      const quality = parameters.find((parameter) => /^q=/i.test(parameter));
      return { version: vendorType.exec(type!)?.[1], quality: quality === undefined ? 1 : Number(quality.slice(2)) };
    })
    .filter(({ version, quality }) => version !== undefined && quality > 0)
    .sort((left, right) => right.quality - left.quality)
    .map(({ version }) => version!);
}

function highest(versions: readonly string[]): string | null {
  return versions.reduce<string | null>(
    (best, version) => (best === null || compare(version, best) > 0 ? version : best),
    null,
  );
}

function compare(left: string, right: string): number {
  const rights = right.split('.').map(Number);
  for (const [index, number] of left.split('.').map(Number).entries()) {
    const difference = number - (rights[index] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

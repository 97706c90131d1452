/** Scopes are asked for as a list separated by commas (Fusio) or spaces (RFC 6749 §3.3). */
export function parseScopes(text: string | undefined): string[] {
  return [...new Set((text ?? '').split(/[\s,]+/).filter((scope) => scope !== ''))];
}

/** The scopes without a dot: each of them stands for all `scope.*` too. */
export function rootsOf(scopes: readonly string[]): string[] {
  return scopes.filter((scope) => !scope.includes('.'));
}

/** The assigned scopes, each followed by the existing ones that it stands for. */
export function expandScopes(assigned: readonly string[], existing: readonly string[]): string[] {
  const expanded = assigned.flatMap((scope) => [
    scope,
    ...(scope.includes('.') ? [] : existing.filter((other) => other.startsWith(`${scope}.`))),
  ]);
  return [...new Set(expanded)];
}

/** What a token gets: what the app and the user both may have, of that what was asked for (nothing asked: all). */
export function chooseScopes(
  requested: readonly string[],
  user: readonly string[],
  app: readonly string[] | null,
): string[] {
  const allowed = app === null ? user : app.filter((scope) => user.includes(scope));
  return requested.length === 0 ? [...allowed] : requested.filter((scope) => allowed.includes(scope));
}

/** Whether scopes grant one: a scope is granted by itself, and a dotted one by its root: `backend` grants `backend.action`. */
export function grants(scopes: readonly string[], wanted: string): boolean {
  const dot = wanted.indexOf('.');
  return scopes.includes(wanted) || (dot > 0 && scopes.includes(wanted.slice(0, dot)));
}

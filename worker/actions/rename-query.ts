import type { ActionInput } from './define.ts';

/**
 * The input with query parameters under the names that the upstream has for them (ours → theirs): an operation's parameters
 * have only letters, digits and `_` in their names. The rest of the query stays as it was written.
 */
export function renameQuery(input: ActionInput, names: Record<string, string> | undefined): ActionInput {
  const { query, search } = input.http;
  if (names === undefined || ![...query.keys()].some((name) => Object.hasOwn(names, name))) {
    return input;
  }
  const renamed = (name: string) => (Object.hasOwn(names, name) ? names[name]! : name);
  const parameters = Array.from(query, ([name, value]) => [renamed(name), value]);
  const written = search?.split('&').map((part) => {
    const [name = '', ...value] = part.split('=');
    const [plain = ''] = new URLSearchParams(name).keys();
    return [plain === renamed(plain) ? name : encodeURIComponent(renamed(plain)), ...value].join('=');
  });
  return { ...input, http: { ...input.http, query: new URLSearchParams(parameters), search: written?.join('&') } };
}

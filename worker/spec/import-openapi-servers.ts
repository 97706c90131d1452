import { isObject } from '../lib/json.ts';
import { at, type Description, lookup } from './import-openapi-document.ts';

/**
 * Gives the url of an action from a path: relative with a connection, else behind the server that is wanted, or the first
 * one that the operation, its path item or the description names, variables filled with their defaults (OpenAPI 3.0.3
 * "Server Object").
 */
export function createServers(
  description: Description,
  options: { server?: string; connection?: string },
): (item: string, operation: string, path: string) => string {
  if (options.connection !== undefined && options.server === undefined) {
    return (_item, _operation, path) => path;
  }
  if (options.server !== undefined) {
    const base = baseOf(options.server);
    if (base === null) {
      description.refuse('', 'server', `The server "${options.server}" is not an absolute http or https URL`);
    }
    return (_item, _operation, path) => `${base ?? ''}${path}`;
  }
  return (item, operation, path) => {
    const place = [operation, item, ''].find((pointer) =>
      isObject(lookup(description.root, at(pointer, 'servers', 0))),
    );
    const pointer = at(place ?? '', 'servers', 0);
    const url = serverUrl(lookup(description.root, pointer));
    const base = baseOf(url);
    if (base === null) {
      if (!description.problems.some((problem) => problem.rule === 'server')) {
        description.refuse(
          pointer,
          'server',
          `The description names no absolute server URL (${url || 'none'}): import with one of your own`,
        );
      }
      return path;
    }
    return base + path;
  };
}

function serverUrl(server: unknown): string {
  const { url, variables } = isObject(server) ? server : { url: '', variables: undefined };
  const values = isObject(variables) ? variables : {};
  return String(url ?? '').replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const value = values[name];
    return isObject(value) && typeof value.default === 'string' ? value.default : whole;
  });
}

/** Scheme, host and path without a trailing slash; null for what is no absolute URL of HTTP or WebSockets. */
function baseOf(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  return /^(https?|wss?):$/.test(url.protocol) && !/[{}]/.test(text)
    ? `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
    : null;
}

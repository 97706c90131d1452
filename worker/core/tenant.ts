// A tenant is known by two texts. Its name is the operator's (`acme`); its key is what tables, objects, caches and tokens
// carry (`acme.12`), and never comes again: who is set up anew under a former name meets nothing of what was.

/** The key of a tenant by its row. The root tenant's is the empty text. */
export function tenantKey({ name, id }: { name: string; id: number }): string {
  return `${name}.${id}`;
}

/** The name by which a URL's host chooses a tenant: without the port, and without the dot that ends a full domain name. */
export function hostName({ host }: Pick<URL, 'host'>): string {
  return host.replace(/:\d+$/, '').replace(/\.$/, '');
}

/** The name in a key; of the root tenant the empty text. */
export function tenantName(key: string): string {
  return key.split('.')[0]!;
}

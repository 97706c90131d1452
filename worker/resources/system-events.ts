const changes = ['create', 'update', 'delete'];

/** What the management API tells about itself: noun → verbs. The order gives the first ids. */
const verbs: Record<string, string[]> = {
  action: changes,
  agent: changes,
  app: changes,
  bundle: [...changes, 'publish'],
  category: changes,
  config: ['update'],
  connection: changes,
  cronjob: changes,
  event: changes,
  firewall: changes,
  form: changes,
  identity: changes,
  operation: changes,
  page: changes,
  plan: changes,
  rate: changes,
  role: changes,
  schema: changes,
  scope: changes,
  taxonomy: changes,
  trigger: changes,
  user: changes,
  webhook: [...changes, 'disable'],
};

/** Names of the events that every tenant starts with: `fusio.<entity>.<verb>`. */
export const systemEvents: readonly string[] = Object.entries(verbs).flatMap(([noun, happened]) =>
  happened.map((verb) => `fusio.${noun}.${verb}`),
);

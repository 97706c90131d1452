const backend = [
  'account', 'action', 'agent', 'app', 'audit', 'backup', 'bundle', 'category', 'config', 'connection', 'cronjob', 'dashboard',
  'deploy', 'event', 'firewall', 'form', 'generator', 'identity', 'log', 'marketplace', 'operation', 'page', 'plan', 'rate',
  'revision', 'role', 'schema', 'scope', 'sdk', 'specification', 'statistic', 'taxonomy', 'tenant', 'test', 'token',
  'transaction', 'trash', 'trigger', 'user', 'webhook',
];
const consumer = [
  'account', 'agent', 'app', 'event', 'form', 'grant', 'identity', 'log', 'page', 'payment', 'plan', 'scope', 'token',
  'transaction', 'webhook',
];

/** The scopes that every tenant starts with; the order gives Fusio's first ids. Categories: 1 default … 5 authorization. */
export const systemScopes: readonly { name: string; description: string; category: number }[] = [
  { name: 'backend', description: 'Everything in the backend', category: 2 },
  { name: 'consumer', description: 'Everything of an own account', category: 3 },
  { name: 'authorization', description: 'The own tokens', category: 5 },
  { name: 'openid', description: 'An id token at login', category: 5 },
  { name: 'default', description: '', category: 1 },
  ...backend.map((name) => ({ name: `backend.${name}`, description: '', category: 2 })),
  ...consumer.map((name) => ({ name: `consumer.${name}`, description: '', category: 3 })),
];

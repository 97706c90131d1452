import { Type } from 'typebox';
import { defineAction } from './define.ts';

/**
 * What the seeded cronjob `Renew_Token` runs: renews the tokens by which connections act for somebody at other APIs. No class of connection
 * that runs in this version holds such a token, so it says that there is none. Cronjobs name it by its class; no form offers it.
 */
export const renewToken = defineAction({
  class: 'Fusio.Impl.Backend.Action.Connection.RenewToken',
  name: 'Renew-Token',
  description: 'Renews the OAuth2 tokens of connections.',
  config: Type.Object({}),
  punctual: true,
  async run() {
    return Response.json({ success: true, message: 'No connection holds a token that could be renewed', renewed: 0 });
  },
});

import { Type } from 'typebox';
import { defineAction } from './define.ts';
import { answer, forwardedCall, openClient, withoutConnection } from './forward.ts';
import { authorization, connection, query, rename, type, url } from './http-config.ts';
import { renameQuery } from './rename-query.ts';
import { throughCache } from './upstream-cache.ts';
import { callUpstream } from './upstream-call.ts';

/** The proxy: the call goes on to one url, and its answer comes back, both as streams. */
export const httpProcessor = defineAction({
  class: 'Fusio.Adapter.Http.Action.HttpProcessor',
  name: 'HTTP-Processor',
  description:
    'Passes the call on to an HTTP server and its answer back: method, query, body, status and headers. Server-sent events and WebSockets pass through.',
  config: Type.Object({ connection, url, type, authorization, query, rename }),
  punctual: true,
  async run(input, config, context) {
    const deadline = context.now() + context.timeout;
    const client = config.connection ? await openClient(config, context) : withoutConnection;
    const renamed = renameQuery(input, config.rename);
    const call = forwardedCall(renamed, config, config.url, client, context);
    const send = () => callUpstream(call, context, deadline);
    return answer(await (client.cache ? throughCache(client, call, context, send) : send()));
  },
});

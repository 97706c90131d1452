import { Type } from 'typebox';
import { defineAction } from './define.ts';
import { answer, forwardedCall, openClient } from './forward.ts';
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
  async run(input, config, context) {
    const deadline = context.now() + context.timeout;
    const client = await openClient(config, context);
    const renamed = renameQuery(input, config.rename);
    const call = forwardedCall(renamed, config, config.url, client, context);
    return answer(await throughCache(client, call, context, () => callUpstream(call, context, deadline)));
  },
});

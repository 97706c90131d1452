import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { breakers } from '../lib/breaker.ts';
import { type ActionContext, defineAction } from './define.ts';
import { answer, forwardedCall, openClient, upstreamUrl } from './forward.ts';
import { authorization, connection, query, type, urls } from './http-config.ts';
import { breakerName, callUpstream, mayRepeat } from './upstream-call.ts';

/** One of several equal servers by chance; those known to be dead are left out. */
export const httpLoadBalancer = defineAction({
  class: 'Fusio.Adapter.Http.Action.HttpLoadBalancer',
  name: 'HTTP-Load-Balancer',
  description:
    'Passes each call on to one of several urls by chance. Servers that failed come last or are left out; when a server cannot be reached and the call may be repeated, the next one is tried.',
  config: Type.Object({ connection, url: urls, type, authorization, query }),
  async run(input, config, context) {
    const deadline = context.now() + context.timeout;
    const client = await openClient(config, context);
    const suspect = (url: string) =>
      breakers.isSuspect(breakerName(context, upstreamUrl(config, url, client)), context.now());
    let failure = new ApiError('not_configured', `The action "${context.action}" has no url`);
    for (const url of preferred(config.url as string[], suspect, context)) {
      const call = forwardedCall(input, config, url, client, context);
      // The next server is the retry.
      call.retries = 0;
      try {
        return answer(await callUpstream(call, context, deadline));
      } catch (thrown) {
        failure = ApiError.from(thrown);
        // Behind an open breaker nothing was sent, so even a streamed body is still whole.
        if (failure.code !== 'circuit_open' && !mayRepeat(call, failure)) {
          throw failure;
        }
      }
    }
    throw failure;
  },
});

/** In random order, those whose last call failed lately at the end. */
function preferred(urls: readonly string[], suspect: (url: string) => boolean, { random }: ActionContext): string[] {
  return urls
    .map((url) => ({ url, rank: random() + (suspect(url) ? 1 : 0) }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ url }) => url);
}

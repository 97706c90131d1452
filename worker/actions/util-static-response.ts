import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { memo } from '../core/snapshot.ts';
import { defineAction } from './define.ts';

/** Always the same answer. */
export const utilStaticResponse = defineAction({
  class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
  name: 'Util-Static-Response',
  description: 'Answers 200 with a fixed JSON value.',
  config: Type.Object({
    response: Type.String({ title: 'Response', description: 'The response in JSON format', mode: 'json' }),
  }),
  punctual: true,
  async run(_input, config, { action }) {
    const body = memo(config, 'body', () => compact(config.response));
    if (body === null) {
      throw new ApiError('not_configured', `The response of the action "${action}" is not valid JSON`);
    }
    return new Response(body, { headers: { 'content-type': 'application/json', vary: 'Accept' } });
  },
});

function compact(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return null;
  }
}

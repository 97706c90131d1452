import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { defineAction } from './define.ts';

/** The answer is somewhere else, for good. */
export const utilRedirect = defineAction({
  class: 'Fusio.Adapter.Util.Action.UtilRedirect',
  name: 'Util-Redirect',
  description: 'Answers 301 with a fixed location.',
  config: Type.Object({
    location: Type.String({ title: 'Location', description: 'Where the caller is sent to: an absolute url or a path' }),
  }),
  async run(_input, config, { action }) {
    const headers = new Headers();
    try {
      headers.set('location', config.location);
    } catch {
      throw new ApiError('not_configured', `The location of the action "${action}" cannot be a header`);
    }
    return new Response(null, { status: 301, headers });
  },
});

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
      // RFC 9110 §10.2.2: a URI reference, so other characters are encoded.
      headers.set('location', config.location.replace(/[^\x00-\x7f]+/g, encodeURIComponent));
    } catch {
      throw new ApiError('not_configured', `The location of the action "${action}" cannot be a header`);
    }
    return new Response(null, { status: 301, headers });
  },
});

import { Type } from 'typebox';
import { defineAction } from './define.ts';
import { withPayload } from './payload.ts';

/** Tells everybody who waits for an event of it: the payload of the call is the event's. */
export const utilDispatchEvent = defineAction({
  class: 'Fusio.Adapter.Util.Action.UtilDispatchEvent',
  name: 'Util-Dispatch-Event',
  description: 'Dispatches the payload as an event. Answers 202 when the event is safe, 503 when it could not be kept.',
  config: Type.Object({
    event: Type.String({ title: 'Event', description: 'Name of the event that gets the payload' }),
  }),
  async run(input, config, context) {
    const { payload } = await withPayload(input);
    const { id } = await context.dispatch(config.event, payload ?? null);
    return Response.json({ success: true, message: 'Event successfully dispatched', id }, { status: 202 });
  },
});

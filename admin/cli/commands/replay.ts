import { command } from '../command.ts';
import { Failure } from '../failure.ts';

/** Tries dead letters again, of all webhooks and triggers. */
export const replay = command({
  name: 'replay',
  description: 'Try dead letters again: those named, those that meet the filter, or with --all every one',
  args: {
    ids: { type: 'string', description: 'Dead letters by id; several with commas', valueHint: 'ID' },
    webhook: { type: 'string', description: 'Only what this webhook did not take', valueHint: 'ID' },
    trigger: { type: 'string', description: 'Only what this trigger did not take', valueHint: 'ID' },
    event: { type: 'string', description: 'Only of this event', valueHint: 'NAME' },
    since: { type: 'string', description: 'Only of events since then', valueHint: '2026-11-21T22:58:00Z' },
    until: { type: 'string', description: 'Only of events until then', valueHint: '2026-11-22T22:58:00Z' },
    all: { type: 'boolean', description: 'Every dead letter' },
  },
  async run({ args, values, client, output }) {
    const body = {
      ...(args.ids === undefined ? {} : { ids: values('ids').map((text) => whole('ids', text)) }),
      ...(args.webhook === undefined ? {} : { webhook: whole('webhook', args.webhook) }),
      ...(args.trigger === undefined ? {} : { trigger: whole('trigger', args.trigger) }),
      event: args.event,
      since: args.since,
      until: args.until,
    };
    if (Object.values(body).every((value) => value === undefined) !== (args.all === true)) {
      throw new Failure('usage', 'Give a filter (--ids, --webhook, --trigger, --event, --since, --until) or --all');
    }
    const gateway = await client();
    let count = 0;
    for (let more = true; more; ) {
      const answer = await gateway.send<{ count: number; more: boolean }>('POST', '/backend/deadletter/replay', body);
      count += answer.count;
      more = answer.more && answer.count > 0;
    }
    output.result({ count }, () => `${count} ${count === 1 ? 'message is' : 'messages are'} tried again`);
  },
});

function whole(option: string, text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new Failure('usage', `--${option} ${text}: must be an id, a whole number`);
  }
  return Number(text);
}

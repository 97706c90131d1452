import type { LaneJob } from '../core/events.ts';

interface Message {
  body: string;
  headers: Record<string, string>;
}

/**
 * The message of an event: `bare` is the payload alone, as Fusio sends it; `cloudevents` the structured, `cloudevents-binary` the binary
 * mode of CloudEvents 1.0 (HTTP Protocol Binding §3). Events of the platform are CloudEvents already: their attributes stay.
 */
export function messageOf(job: LaneJob, format: string, baseUrl: string): Message {
  const json = { 'Content-Type': 'application/json' };
  if (format === 'bare') {
    return { body: job.payload, headers: json };
  }
  const event = cloudEvent(job, baseUrl);
  if (format === 'cloudevents') {
    return { body: JSON.stringify(event), headers: { 'Content-Type': 'application/cloudevents+json' } };
  }
  const { data, datacontenttype, ...attributes } = event;
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encoded(String(value))]);
  return { body: JSON.stringify(data), headers: { ...json, ...Object.fromEntries(headers) } };
}

function cloudEvent({ id, name, payload, time }: LaneJob, baseUrl: string): Record<string, unknown> {
  const data = JSON.parse(payload);
  if (name.startsWith('fusio.') && data?.specversion === '1.0') {
    return data;
  }
  return {
    specversion: '1.0',
    id,
    source: `${baseUrl}/event/${name}`,
    type: name,
    datacontenttype: 'application/json',
    time: new Date(time).toISOString(),
    data,
  };
}

/** Percent-encodes what a header cannot hold (CloudEvents HTTP §3.1.3.2). */
function encoded(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, (character) => encodeURIComponent(character.toWellFormed()));
}

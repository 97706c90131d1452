// The least that a gateway does which says what this one documents: a clean request with the nine headers that tell the
// upstream who calls, one clock, and an answer with five headers of its own. No router, no policies, no records: what the
// platform takes for it, no gateway with these headers can save. `npm run bench -- floor` leaves out one thing after the other.
import { env } from 'cloudflare:workers';

const steps = new Set(env.STEPS.split(','));
const [asks, waits, answers] = ['request', 'clock', 'answer'].map((step) => steps.has(step));
const refused = new Set(['host', 'connection', 'authorization', 'cookie', 'content-length']);
const hidden = new Set(['server', 'x-powered-by']);

export default {
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    const id = crypto.randomUUID();
    const { method, body } = request;
    const init = { method, body, redirect: 'manual', headers: asks ? introduced(request, id) : request.headers };
    const asked = fetch(`${env.UPSTREAM}${pathname}${search}`, init);
    const found = await (waits ? inTime(asked) : asked);
    return answers ? signed(found, id) : found;
  },
};

function introduced(request, id) {
  const headers = new Headers();
  request.headers.forEach((value, name) => {
    if (!refused.has(name)) {
      headers.set(name, value);
    }
  });
  headers.set('accept-encoding', 'identity');
  headers.set('cdn-loop', 'least');
  headers.set('x-forwarded-for', '127.0.0.1');
  headers.set('x-forwarded-host', request.headers.get('host'));
  headers.set('x-forwarded-proto', 'http');
  headers.set('x-fusio-operation-id', '1');
  headers.set('x-fusio-remote-ip', '127.0.0.1');
  headers.set('x-fusio-user-anonymous', '1');
  headers.set('x-request-id', id);
  return headers;
}

function inTime(asked) {
  return new Promise((answer, fail) => {
    const timer = setTimeout(fail, 30_000, new Error('No answer in time'));
    asked.then((response) => {
      clearTimeout(timer);
      answer(response);
    }, fail);
  });
}

function signed(found, id) {
  const answer = new Response(found.body, found);
  const { headers } = answer;
  headers.forEach((_value, name) => {
    if (hidden.has(name)) {
      headers.delete(name);
    }
  });
  headers.set('access-control-allow-origin', '*');
  headers.set('x-config-revision', '1');
  headers.set('x-operation-id', 'least');
  headers.set('x-request-id', id);
  headers.set('x-stability', 'stable');
  return answer;
}

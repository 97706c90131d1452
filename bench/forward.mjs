// The floor: a worker that passes a request on to one server and its answer back, and does nothing else.
export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    return fetch(`${env.UPSTREAM}${pathname}${search}`, request);
  },
};

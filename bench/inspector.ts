/** A DevTools session with a worker: one WebSocket, commands by name. */
export interface Inspector {
  send(method: string, params?: object): Promise<any>;
  close(): void;
}

/** Connects to the worker of a workerd that was started with an inspector port. */
export async function openInspector(port: number, name = 'main'): Promise<Inspector> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${name}`);
  await new Promise((done, failed) => {
    socket.addEventListener('open', done, { once: true });
    socket.addEventListener('error', () => failed(new Error('The inspector does not answer')), { once: true });
  });
  const waiting = new Map<number, { done(result: unknown): void; failed(error: Error): void }>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data));
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) {
      asked?.done(result);
    } else {
      asked?.failed(new Error(error.message));
    }
  });
  let last = 0;
  return {
    send(method, params = {}) {
      const id = ++last;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((done, failed) => waiting.set(id, { done, failed }));
    },
    close: () => socket.close(),
  };
}

/** Bytes of the JavaScript heap that are in use after a collection. */
export async function heapAfterCollection(inspector: Inspector): Promise<number> {
  await inspector.send('HeapProfiler.enable');
  await inspector.send('HeapProfiler.collectGarbage');
  return (await inspector.send('Runtime.getHeapUsage')).usedSize;
}

let offset = 0;

/** Sets how far this isolate's clock is ahead of the true one, milliseconds. */
export function setClock(milliseconds: number): void {
  offset = milliseconds;
}

/**
 * Makes `Date` tell the shifted time. The databases' own CURRENT_TIMESTAMP, the expiry of KV entries and the Cache API stay
 * on the true time.
 */
export function wrapClock(): void {
  const True = Date;
  globalThis.Date = new Proxy(True, {
    construct: (_, args, target) =>
      args.length === 0 ? new True(True.now() + offset) : Reflect.construct(True, args, target),
    apply: () => new True(True.now() + offset).toString(),
    get: (_, name) => (name === 'now' ? () => True.now() + offset : Reflect.get(True, name)),
  });
}

/** An object asks for its alarm in shifted time; the platform needs the true one. */
export function wrapAlarms(storage: DurableObjectStorage): void {
  const { setAlarm, getAlarm } = storage;
  storage.setAlarm = (time, options) => setAlarm.call(storage, Number(time) - offset, options);
  storage.getAlarm = async (options) => {
    const time = await getAlarm.call(storage, options);
    return time === null ? null : time + offset;
  };
}

/** What is there at once when it is in memory: to be awaited all the same, but nothing is made for it to be waited for. */
export type Soon<T> = T | Promise<T>;

/** What `next` makes of it, at once or later. */
export function soon<T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

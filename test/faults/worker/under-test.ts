import { DurableObject } from 'cloudflare:workers';
import { wrapEnv, wrapGlobals } from './bindings.ts';
import { setClock, wrapAlarms, wrapClock } from './clock.ts';
import { outbound } from './egress.ts';
import { invocation } from './limits.ts';
import { type Fault, faultState, setFaults } from './plan.ts';

type Handlers = Record<string, (event: any, env: any, context: any) => unknown>;
type ObjectClass = new (context: DurableObjectState, env: any) => DurableObject;

/** Wraps a worker's handlers and object classes. Has to run before the first request, once. */
export function underTest(worker: object) {
  wrapClock();
  wrapGlobals();
  const handlers: Handlers = {};
  for (const [name, handler] of Object.entries(worker as Handlers)) {
    handlers[name] = (event, env, context) =>
      invocation('worker', () => handler.call(worker, event, wrapEnv(env, 'worker'), context));
  }
  const { fetch } = handlers;
  handlers.fetch = (request: Request, env, context) => {
    const { pathname } = new URL(request.url);
    return pathname.startsWith('/__test/') ? control(request, pathname, env) : fetch?.(request, env, context);
  };
  return { handlers, object: wrapObject };
}

/** A Durable Object class that sees the wrapped environment, and whose every method is an invocation. */
function wrapObject<Class extends ObjectClass>(binding: string, Base: Class): Class {
  const Wrapped = class extends (Base as ObjectClass) {
    constructor(context: DurableObjectState, env: object) {
      wrapAlarms(context.storage);
      super(context, wrapEnv(env, Base.name));
    }

    /** Fires the alarm now. */
    async testAlarm(): Promise<void> {
      await this.ctx.storage.deleteAlarm();
      await this.alarm?.();
    }

    /** Ends the object as a crash does: memory is gone, storage stays. */
    testAbort(): void {
      this.ctx.abort(`${binding} is aborted by a test`);
    }
  };
  for (const name of methodNames(Base)) {
    const method = Base.prototype[name];
    Object.defineProperty(Wrapped.prototype, name, {
      value(this: DurableObject, ...args: unknown[]) {
        return invocation(Base.name, () => method.apply(this, args));
      },
      writable: true,
      configurable: true,
    });
  }
  return Wrapped as unknown as Class;
}

function methodNames(Class: ObjectClass): string[] {
  const names: string[] = [];
  for (let at = Class.prototype; at !== DurableObject.prototype && at !== null; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name !== 'constructor' && typeof value === 'function') {
        names.push(name);
      }
    }
  }
  return names;
}

/** The steering wheel: `GET|PUT /__test/faults`, `GET /__test/egress`, `PUT /__test/clock`, `POST /__test/alarm`, `POST /__test/abort`. */
async function control(request: Request, pathname: string, env: Record<string, any>): Promise<Response> {
  const body: any = request.method === 'GET' ? null : await request.json();
  switch (`${request.method} ${pathname.slice('/__test/'.length)}`) {
    case 'GET faults':
      return Response.json(faultState());
    case 'PUT faults':
      setFaults(body as Fault[]);
      return Response.json(null);
    case 'GET egress':
      return Response.json(outbound());
    case 'PUT clock':
      setClock(body.offset);
      return Response.json(null);
    case 'POST alarm':
      await env[body.binding].getByName(body.name).testAlarm();
      return Response.json(null);
    case 'POST abort':
      await env[body.binding]
        .getByName(body.name)
        .testAbort()
        .catch(() => {});
      return Response.json(null);
    default:
      return Response.json({ message: `No such control: ${request.method} ${pathname}` }, { status: 404 });
  }
}

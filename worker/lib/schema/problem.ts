/** A broken rule of a value or of a schema: RFC 6901 pointer, the keyword, and a message that reads on after the pointer. */
export interface Violation {
  pointer: string;
  rule: string;
  message: string;
}

/** A schema that cannot be used; every reason that was found, with pointers into the schema. */
export class SchemaError extends Error {
  readonly violations: Violation[];

  constructor(violations: Violation[]) {
    const [first] = violations;
    super(first === undefined ? 'The schema is not valid' : `${first.pointer || '/'} ${first.message}`);
    this.name = 'SchemaError';
    this.violations = violations;
  }
}

/** Escapes one step of a JSON Pointer (RFC 6901 §3). */
export function escapePointer(step: string | number): string {
  if (typeof step === 'number') {
    return String(step);
  }
  return /[~/]/.test(step) ? step.replaceAll('~', '~0').replaceAll('/', '~1') : step;
}

export function pointerTo(path: readonly (string | number)[]): string {
  let pointer = '';
  for (const step of path) {
    pointer += `/${escapePointer(step)}`;
  }
  return pointer;
}

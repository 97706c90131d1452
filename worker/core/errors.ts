import { isPlatformFailure } from '../lib/platform-failure.ts';

/** Every failure a caller can see: code → HTTP status and default message. Fusio's wording where its clients read it. */
const table = {
  // 400
  invalid_request: [400, 'The request is not valid'],
  invalid_path: [400, 'The request path is not valid'],
  invalid_body: [400, 'The request body is not valid'],
  invalid_parameter: [400, 'A request parameter is not valid'],
  already_exists: [400, 'An object with this name already exists'],
  invalid_credentials: [400, 'Invalid name or password'],
  // 401
  missing_authorization: [401, 'Missing authorization header'],
  invalid_authorization_type: [401, 'Invalid authorization type'],
  missing_token: [401, 'No authorization token was provided'],
  invalid_token: [401, 'Invalid access token'],
  // 402, 403
  insufficient_points: [
    402,
    'Your account has not enough points to call this action. Please purchase new points in order to execute this action',
  ],
  insufficient_scope: [403, 'Access to this operation is not in the scope of the provided token'],
  forbidden: [403, 'You are not allowed to do this'],
  banned: [403, 'Your IP has sent to many requests please try again later'],
  // 404, 405, 409, 410
  unknown_location: [404, 'Unknown location'],
  not_found: [404, 'Could not find the object'],
  method_not_allowed: [405, 'The method is not allowed at this location'],
  conflict: [409, 'The request conflicts with the current state'],
  idempotency_unknown: [
    409,
    'This Idempotency-Key was used before, and it is not known what that request did; look before you use another key',
  ],
  inactive: [410, 'This action is no longer available'],
  deleted: [410, 'The object was deleted'],
  // 413 … 431
  body_too_large: [413, 'The request body is too large'],
  uri_too_long: [414, 'The request URL is too long'],
  unsupported_media_type: [415, 'The content type of the request body is not supported'],
  idempotency_mismatch: [422, 'This Idempotency-Key was used before with another request'],
  rate_limited: [429, 'Rate limit exceeded'],
  headers_too_large: [431, 'The request headers are too large'],
  // 5xx
  internal: [500, 'The server encountered an internal error and was unable to complete your request.'],
  not_implemented: [501, 'This is not offered here'],
  invalid_response: [502, 'The action returned a response that breaks its own contract'],
  bad_gateway: [502, 'The upstream server could not be reached or gave no valid answer'],
  egress_denied: [502, 'The target of the action is not allowed by the egress guard'],
  unavailable: [503, 'The service is temporarily unavailable'],
  not_configured: [503, 'A part that this operation needs is not configured'],
  circuit_open: [503, 'The upstream server failed repeatedly and is not called at the moment'],
  upstream_timeout: [504, 'The upstream server did not answer in time'],
  loop_detected: [508, 'The request passed this gateway too often'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof table;

/** One broken rule of an input. `pointer` is an RFC 6901 JSON Pointer, prefixed by the part: `/body/title`, `/query/count`, `/path/id`. */
export interface Violation {
  pointer: string;
  rule: string;
  message: string;
}

export interface ApiErrorDetails {
  errors?: Violation[];
  headers?: Record<string, string>;
  /** Never shown to the caller, only observed. */
  cause?: unknown;
}

/** The only error a caller sees. The step that knows throws it; `handle` catches once. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly errors: Violation[] | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, message?: string, details: ApiErrorDetails = {}) {
    super(message ?? table[code][1], details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ApiError';
    this.code = code;
    this.status = table[code][0];
    this.errors = details.errors;
    this.headers = details.headers ?? {};
  }

  /**
   * Anything thrown becomes an ApiError. A part of the platform that is not there is `unavailable`; whatever else is not an
   * ApiError already is an internal error whose cause stays inside.
   */
  static from(thrown: unknown): ApiError {
    if (thrown instanceof ApiError) {
      return thrown;
    }
    return isPlatformFailure(thrown)
      ? new ApiError('unavailable', undefined, { cause: thrown, headers: { 'Retry-After': '2' } })
      : new ApiError('internal', undefined, { cause: thrown });
  }

  /** Errors do not survive an RPC boundary as classes: this is their plain form. */
  toPlain(): PlainError {
    return { code: this.code, message: this.message, errors: this.errors, headers: this.headers };
  }

  static fromPlain(plain: PlainError): ApiError {
    return new ApiError(plain.code, plain.message, { errors: plain.errors, headers: plain.headers });
  }
}

/** What is wrong with one place of a body, by its JSON Pointer: 400 with the message, and the same under `errors`. */
export function invalidAt(pointer: string, message: string, rule = 'value'): ApiError {
  return new ApiError('invalid_body', message, { errors: [{ pointer, rule, message }] });
}

/** What is wrong with a query parameter: 400 with the parameter's name before the message, and the same under `errors`. */
export function invalidParameter(name: string, message: string, rule = 'format'): ApiError {
  const whole = `${name}: ${message}`;
  return new ApiError('invalid_parameter', whole, { errors: [{ pointer: `/query/${name}`, rule, message: whole }] });
}

export interface PlainError {
  code: ErrorCode;
  message: string;
  errors?: Violation[];
  headers?: Record<string, string>;
}
